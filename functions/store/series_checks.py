"""Checks of a whole series: its clock, its grid and its spacing, from values to values, standard library only.

A wrong clock or interval puts some bars on right slots by chance. So the bars of a ticker are judged by the week: when
another reading explains nearly all of them and ours does not, none of the week is stored.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from shared.calendar.trading import EXCHANGE_ZONE, LENGTHS, TradingCalendar

WIDEST_SHIFT = timedelta(hours=14)
"""The calendar must reach this far beyond the bars."""

_STEP = timedelta(minutes=30)
_SHIFTS = sorted((_STEP * index for index in range(-28, 29) if index), key=abs)
_FEWEST = 3
"""Fewer bars in a week are judged by the other weeks of the ticker."""
_NEARLY_ALL = 0.9


class Rejection(NamedTuple):
    """Reason for not storing a bar: a short stable code, and a sentence with figures for people."""

    reason: str
    detail: str


def find_series_faults(
    starts_of: Mapping[str, Sequence[datetime]],
    misplaced: Callable[[datetime], bool],
    *,
    interval: str,
    fetched_at: datetime,
    market: TradingCalendar,
) -> dict[tuple[str, tuple[int, int]], Rejection]:
    """Return why the bars of a ticker and ISO week are not stored, for the weeks with such a reason.

    *starts_of* are the different starts of each ticker; *misplaced* starts belong to no finished bar of a session.
    """
    fits = _Fits(interval, fetched_at, market)
    known: dict[tuple[datetime, ...], dict[tuple[int, int], Rejection]] = {}
    found: dict[tuple[str, tuple[int, int]], Rejection] = {}
    for ticker, starts in starts_of.items():
        key = tuple(sorted(starts))
        if key not in known:  # most tickers of an answer have the same ones
            known[key] = _find_week_faults(fits, key, misplaced)
        found |= {(ticker, week): fault for week, fault in known[key].items()}
    return found


def _find_week_faults(
    fits: "_Fits", starts: Sequence[datetime], misplaced: Callable[[datetime], bool]
) -> dict[tuple[int, int], Rejection]:
    """Return the faults of the weeks of one ticker's *starts*."""
    weeks: dict[tuple[int, int], list[datetime]] = {}
    for start in starts:
        weeks.setdefault(week_of(start), []).append(start)
    faults: dict[tuple[int, int], Rejection] = {}
    for week, some in weeks.items():
        fault = fits.clock_fault(some) or fits.grid_fault(some) if any(map(misplaced, some)) else None
        if fault := fault or fits.spacing_fault(some):
            faults[week] = fault
    doubted = sum(len(weeks[week]) for week in faults)
    if faults and 2 * doubted > len(starts):
        fault = next(iter(faults.values()))
        faults |= {week: fault for week, some in weeks.items() if week not in faults and len(some) < 2 * _FEWEST}
    return faults


def week_of(start: datetime) -> tuple[int, int]:
    """Return the ISO year and week of *start*: within one, the exchange's offset from UTC does not change."""
    year, week, _ = start.isocalendar()
    return year, week


class _Fits:
    """Starts of finished bars, under our reading of the times and under others."""

    def __init__(self, interval: str, fetched_at: datetime, market: TradingCalendar) -> None:
        self._interval, self._length, self._fetched_at = interval, LENGTHS[interval], fetched_at
        self._market = market
        self._days = {session.date for session in market.sessions}
        self._known: dict[datetime, bool] = {}

    def clock_fault(self, starts: Sequence[datetime]) -> Rejection | None:
        """Return a fault when another clock, or naming bars by their end, explains *starts* better than UTC does."""
        if len(starts) < _FEWEST or not 1900 < starts[0].year < 9000:
            return None
        now = sum(map(self._is_bar, starts))
        if now == len(starts):
            return None
        ends = sum(map(self._is_end, starts))
        if _explains_better(ends, now, len(starts)):
            return Rejection("named-by-end", f"{ends} of {len(starts)} times of this week are the ends of bars.")
        best, shift = max(
            ((sum(self._is_bar(start + shift) for start in starts), shift) for shift in _SHIFTS),
            key=lambda one: one[0],
        )
        if _explains_better(best, now, len(starts)):
            return _wrong_clock(shift, starts)
        return self._dead_hours_fault(starts)

    def _dead_hours_fault(self, starts: Sequence[datetime]) -> Rejection | None:
        """Return a fault when bars lie where not even extended hours trade, and another clock explains that."""
        quiet = sum(not self._is_extended(start) for start in starts)
        if quiet < max(_FEWEST, len(starts) / 10):
            return None
        for shift in _SHIFTS:
            if sum(self._is_extended(start + shift) for start in starts) >= 0.95 * len(starts):
                return _wrong_clock(shift, starts)
        return None

    def grid_fault(self, starts: Sequence[datetime]) -> Rejection | None:
        """Return a fault when many bars start within sessions beside the grid: then those on it have another length."""
        inside = [start for start in starts if (session := self._market.session_at(start)) and start < session.closes]
        beside = [start for start in inside if not self._is_bar(start) and not self._is_on_grid(start)]
        if len(beside) < 2 or 2 * len(beside) < len(inside) - len(beside):
            return None
        return Rejection(
            "off-grid",
            f"{len(beside)} of {len(inside)} bars of this week start beside the grid of {self._interval} bars "
            f"that begins when the session opens, the first at {beside[0].isoformat()}.",
        )

    def spacing_fault(self, starts: Sequence[datetime]) -> Rejection | None:
        """Return a fault when bars are regularly further apart than their interval."""
        bars = [start for start in starts if self._is_bar(start)]
        if len(bars) < 4:
            return None
        slots = self._market.starts(self._interval, bars[0], bars[-1] + self._length)
        if len(slots) == len(bars):
            return None
        pairs = list(pairwise(bars))
        # Without trades single bars are missing; with bars of another length no two neighbours exist.
        inside = [one for one in pairs if self._market.session_at(one[0]) == self._market.session_at(one[1])]
        distances = [bisect_left(slots, after) - bisect_left(slots, before) for before, after in inside or pairs]
        if len(distances) < 3 or min(distances) < 2:
            return None
        apart = median(distances)
        return Rejection("spacing", f"Bars of this week are usually {apart:g} times {self._interval} apart.")

    def _is_bar(self, start: datetime) -> bool:
        if start not in self._known:
            session = self._market.session_at(start)
            self._known[start] = (
                session is not None
                and session.has_bar_at(self._interval, start)
                and session.end(self._interval, start) <= self._fetched_at
            )
        return self._known[start]

    def _is_on_grid(self, start: datetime) -> bool:
        session = self._market.session_at(start)
        return session is not None and session.has_bar_at(self._interval, start)

    def _is_end(self, instant: datetime) -> bool:
        session = self._market.session_at(instant - timedelta(microseconds=1))
        return (
            session is not None
            and instant <= self._fetched_at
            and (instant == session.closes or not (instant - session.opens) % self._length)
        )

    def _is_extended(self, start: datetime) -> bool:
        local = start.astimezone(EXCHANGE_ZONE)
        return 4 <= local.hour < 20 and local.date() in self._days


def _explains_better(other: int, ours: int, count: int) -> bool:
    # A stray bar or two among many, a closing auction for instance, say nothing of the others.
    gain = other - ours
    return gain > count / 20 and (other == count or (other >= _NEARLY_ALL * count and gain >= 2))


def _wrong_clock(shift: timedelta, starts: Sequence[datetime]) -> Rejection:
    hours = shift / timedelta(hours=1)
    zone = ", those of New York" if starts[0].astimezone(EXCHANGE_ZONE).utcoffset() == -shift else ""
    order = "behind" if hours > 0 else "ahead of"
    return Rejection("clock-doubtful", f"The times of this week are {abs(hours):g} h {order} UTC{zone}.")
