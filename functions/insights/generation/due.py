"""Hours that are due: from values to values."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.insights.facts.hour import HOURLY
from functions.insights.generation.queries import HourStatus
from shared.calendar.trading import TradingCalendar

_PRESENT_AT_LEAST = 5
"""Tickers that must have a bar, or all there are, before an hour is written without the others."""


class Due(NamedTuple):
    """An hour to write, as which revision, and whether a model may word it afterwards."""

    start: datetime
    revision: int
    for_model: bool


def candidate_starts(calendar: TradingCalendar, newest: datetime, hours: int) -> list[datetime]:
    """Return the starts of the newest *hours* bars up to *newest* that the sessions call for, in order."""
    return calendar.starts(HOURLY, calendar.sessions[0].opens, newest + timedelta(seconds=1))[-hours:]


def find_due(statuses: Iterable[HourStatus], overdue: Sequence[datetime]) -> list[Due]:
    """Return what to write, oldest first, given *statuses* newest first.

    A complete hour without insights, or with those of its deadline; one whose bars have changed; and of *overdue* hours
    what is there. A model is for the newest complete hour, and for the newest overdue.
    """
    found: list[Due] = []
    newest = True
    for hour in statuses:
        complete = hour.active > 0 and hour.present >= hour.active
        late = hour.start in overdue and hour.present >= min(_PRESENT_AT_LEAST, max(hour.active, 1))
        if not complete and not late:
            continue
        if hour.revision is None or hour.superseded or (complete and not hour.complete):
            found.append(Due(hour.start, 0 if hour.revision is None else hour.revision + 1, newest))
        newest = False
    return found[::-1]


def overdue(
    calendar: TradingCalendar, starts: Iterable[datetime], now: datetime, deadline: timedelta
) -> list[datetime]:
    """Return those of *starts* whose bars ended at least *deadline* before *now*."""
    found: list[datetime] = []
    for start in starts:
        session = calendar.session_at(start)
        if session and session.end(HOURLY, start) + deadline <= now:
            found.append(start)
    return found
