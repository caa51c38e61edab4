"""Grid of bars of any length in the exchange's sessions."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from shared.calendar.clock_search import HALF_HOUR, describe, find_shift, is_extended
from shared.calendar.trading import EXCHANGE_ZONE, Session, TradingCalendar

_MOMENT = timedelta(microseconds=1)


class Slot(NamedTuple):
    """A bar's place: its session and its start."""

    session: Session
    start: datetime


class Grid:
    """Bars of *length* from the open of each session of *market*; the last of a session may be shorter."""

    def __init__(self, market: TradingCalendar, length: timedelta) -> None:
        self.market = market
        self.length = length
        self._dates = {session.date for session in market.sessions}

    def bar_starting_at(self, moment: datetime) -> Slot | None:
        """Return the bar that starts at *moment*, None when none does."""
        session = self.market.session_at(moment)
        return Slot(session, moment) if session and not (moment - session.opens) % self.length else None

    def bar_ending_at(self, moment: datetime) -> Slot | None:
        """Return the bar that ends at *moment*, or would if it had its whole length; None when none does."""
        if slot := self.bar_starting_at(moment - self.length):
            return slot
        session = self.market.session_at(moment - _MOMENT)
        if session is None or moment != session.closes:
            return None
        return Slot(session, session.opens + (moment - _MOMENT - session.opens) // self.length * self.length)

    def is_beside(self, moment: datetime) -> bool:
        """Return whether *moment* is within a session but off the grid."""
        return self.market.session_at(moment) is not None and self.bar_starting_at(moment) is None

    def clock_fault(self, starts: Sequence[datetime]) -> str | None:
        """Return how the clock of one week's *starts* is wrong, None when it seems right."""
        if self.length < HALF_HOUR:
            starts = [start for start in starts if not start.minute % 30]
        shift = find_shift(starts, self._is_start, self._dates)
        return f"The times of this week are {describe(shift)} the exchange's." if shift else None

    def is_extended(self, start: datetime) -> bool:
        """Return whether *start* is within the extended hours of a session."""
        return is_extended(start, self._dates)

    def _is_start(self, moment: datetime) -> bool:
        return self.bar_starting_at(moment) is not None


def regular_calendar(first: datetime, end: datetime) -> TradingCalendar:
    """Return sessions of regular hours on all weekdays between two instants: enough to know a clock by."""
    days = (first.date() + timedelta(days=count) for count in range((end - first).days + 1))
    return TradingCalendar(
        [
            Session(
                day,
                datetime.combine(day, time(9, 30), EXCHANGE_ZONE).astimezone(UTC),
                datetime.combine(day, time(16), EXCHANGE_ZONE).astimezone(UTC),
            )
            for day in days
            if day.weekday() < 5
        ]
    )


def session_date(start: datetime) -> date:
    """Return the day of *start* in New York."""
    return start.astimezone(EXCHANGE_ZONE).date()
