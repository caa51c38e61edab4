"""Which hours are to be told of now: from values to values."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.insights.hour import HOURLY
from functions.insights.stored import Standing
from shared.calendar.trading import TradingCalendar

TOLD_AT_LEAST = 5
"""Tickers that must have a bar, or all there are, before an hour is told of without the others."""
MODEL_CALLS = 2
"""Calls of the model for one hour, whatever happens."""


class Due(NamedTuple):
    """An hour to tell of, as which revision, and how many calls of the model that may take."""

    start: datetime
    revision: int
    calls: int


def candidates(market: TradingCalendar, newest: datetime, hours: int) -> list[datetime]:
    """Return the starts of the newest *hours* bars up to *newest* that the sessions call for, in order."""
    return market.starts(HOURLY, market.sessions[0].opens, newest + timedelta(seconds=1))[-hours:]


def find_due(standings: Iterable[Standing], overdue: Sequence[datetime]) -> list[Due]:
    """Return what to tell of, newest first, given *standings* newest first.

    A complete hour that nothing is told of, or only what was there at its deadline; a told one whose bars have changed;
    and of *overdue* hours what is there. Words of a model are for the newest complete hour, and for the newest overdue.
    """
    found: list[Due] = []
    newest = True
    for hour in standings:
        complete = hour.active > 0 and hour.present >= hour.active
        late = hour.start in overdue and hour.present >= min(TOLD_AT_LEAST, max(hour.active, 1))
        if not complete and not late:
            continue
        if hour.revision is None or hour.superseded or (complete and not hour.complete):
            revision = 0 if hour.revision is None else hour.revision + 1
            found.append(Due(hour.start, revision, max(MODEL_CALLS - hour.calls, 0) if newest else 0))
        newest = False
    return found


def overdue(market: TradingCalendar, starts: Iterable[datetime], now: datetime, waits: timedelta) -> list[datetime]:
    """Return those of *starts* whose bars ended at least *waits* before *now*."""
    found: list[datetime] = []
    for start in starts:
        session = market.session_at(start)
        if session and session.end(HOURLY, start) + waits <= now:
            found.append(start)
    return found
