"""Grid of bars of any length in the exchange's sessions, and other clocks that explain a file's times better."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from shared.calendar.trading import EXCHANGE_ZONE, Session, TradingCalendar

HALF_HOUR = timedelta(minutes=30)
SHIFTS = sorted((HALF_HOUR * index for index in range(-28, 29) if index), key=abs)

_FEWEST = 3
"""Fewer times in a week say nothing of a clock."""
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

    def starting(self, moment: datetime) -> Slot | None:
        """Return the bar that starts at *moment*, None when none does."""
        session = self.market.session_at(moment)
        return Slot(session, moment) if session and not (moment - session.opens) % self.length else None

    def ending(self, moment: datetime) -> Slot | None:
        """Return the bar that ends at *moment*, or would if it had its whole length; None when none does."""
        if slot := self.starting(moment - self.length):
            return slot
        session = self.market.session_at(moment - _MOMENT)
        if session is None or moment != session.closes:
            return None
        return Slot(session, session.opens + (moment - _MOMENT - session.opens) // self.length * self.length)

    def is_beside(self, moment: datetime) -> bool:
        """Return whether *moment* is within a session but off the grid."""
        return self.market.session_at(moment) is not None and self.starting(moment) is None

    def clock_fault(self, starts: Sequence[datetime]) -> str | None:
        """Return how the clock of one week's *starts* is wrong, None when it seems right."""
        if self.length < HALF_HOUR:
            starts = [start for start in starts if not start.minute % 30]
        if len(starts) < _FEWEST:
            return None
        ours = self._count(starts, self.starting)
        if ours == len(starts):
            return None
        best, shift = max(
            ((self._count(starts, self._shifted(shift)), shift) for shift in SHIFTS), key=lambda one: one[0]
        )
        # A stray time or two among many, a closing auction for instance, say nothing of the others.
        gain = best - ours
        if gain > len(starts) / 20 and (best == len(starts) or (best >= 0.9 * len(starts) and gain >= 2)):
            return _describe(shift)
        quiet = sum(not self.is_extended(start) for start in starts)
        if quiet < max(_FEWEST, len(starts) / 10):
            return None
        for shift in SHIFTS:
            if sum(self.is_extended(start + shift) for start in starts) >= 0.95 * len(starts):
                return _describe(shift)
        return None

    def _shifted(self, shift: timedelta) -> Callable[[datetime], Slot | None]:
        return lambda start: self.starting(start + shift)

    def is_extended(self, start: datetime) -> bool:
        """Return whether *start* is within the extended hours of a session."""
        local = start.astimezone(EXCHANGE_ZONE)
        return 4 <= local.hour < 20 and local.date() in self._dates

    @staticmethod
    def _count(times: Collection[datetime], find: Callable[[datetime], Slot | None]) -> int:
        return sum(find(one) is not None for one in times)


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


def week_of(start: datetime) -> tuple[int, int]:
    """Return the ISO year and week of *start*: within one, the exchange's offset from UTC does not change."""
    year, week, _ = start.isocalendar()
    return year, week


def session_date(start: datetime) -> date:
    """Return the day of *start* in New York."""
    return start.astimezone(EXCHANGE_ZONE).date()


def _describe(shift: timedelta) -> str:
    hours = shift / timedelta(hours=1)
    return f"The times of this week are {abs(hours):g} h {'behind' if hours > 0 else 'ahead of'} the exchange's."
