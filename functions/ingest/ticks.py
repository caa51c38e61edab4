"""Parsing of ticks; an invalid tick is refused with the reason."""

from datetime import datetime, time, timedelta
from typing import NamedTuple

from shared.calendar.trading import EXCHANGE_ZONE
from shared.events.cloudevents import Received
from shared.events.types import EventError, Moment, Tick, TickRefused

JOBS = ("bars", "companies", "compare")


class InvalidTick(Exception):  # noqa: N818  a refusal is an answer
    """Invalid tick: retrying cannot help. The message is the reason."""


class TickWindow(NamedTuple):
    """The instants [start, end) that a tick names, or the newest *sessions* before *end*."""

    start: datetime | None
    end: datetime
    sessions: int | None


def read_tick(received: Received) -> tuple[str, Tick]:
    """Return the job (`bars` when the event names none) and the overrides of a tick; no data means no overrides.

    InvalidTick for an unknown job and for data that is not a Tick.
    """
    job = received.attributes.get("job", "bars")
    if job not in JOBS:
        raise InvalidTick(f"job: {job!r} is unknown, ingest does {' and '.join(JOBS)}")
    try:
        tick = Tick.from_json(received.data if received.data.strip() else b"{}")
    except EventError as error:
        raise InvalidTick(str(error)) from error
    if tick.tickers is not None and not tick.tickers:
        raise InvalidTick("tickers: names none; leave it out to mean all")
    if tick.again and job != "bars":
        raise InvalidTick(f"again: only bars are fetched again, not {job}")
    if job == "companies" and (tick.start or tick.end or tick.lookback_sessions):
        raise InvalidTick("start, end, lookback_sessions: profiles have no dates, a companies tick takes tickers alone")
    if tick.lookback_sessions and (tick.start or tick.end):
        raise InvalidTick("lookback_sessions: cannot go together with start or end")
    return job, tick


def requested_window(tick: Tick, now: datetime, history_sessions: int) -> TickWindow | None:
    """Return the window that *tick* names, None when it means whatever is missing now.

    A date is a day in New York: *start* means its midnight, *end* includes the whole day. An instant means itself.
    Without *start*: the newest *history_sessions* before *end*. InvalidTick for a start in the future.
    """
    if tick.lookback_sessions:
        return TickWindow(None, now, tick.lookback_sessions)
    starts, ends = tick.starts, tick.ends
    if not starts and not ends:
        return None
    end = min(_instant(ends, days=1), now) if ends else now
    if not starts:
        return TickWindow(None, end, history_sessions)
    start = _instant(starts, days=0)
    if start > now:
        raise InvalidTick(f"start: {tick.start} lies in the future")
    return TickWindow(start, end, None)


def tick_refused(received: Received, refused: InvalidTick) -> TickRefused:
    """Return the event of a refused tick, with the data it came with (its beginning, if it is long)."""
    return TickRefused(
        reason=str(refused), tick_id=received.id, tick_data=received.data[:4096].decode(errors="replace")
    )


def _instant(moment: Moment, days: int) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment + timedelta(days=days), time(), EXCHANGE_ZONE)
