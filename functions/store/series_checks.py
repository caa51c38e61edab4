"""Checks of a whole series: its clock, its grid and its spacing, from values to values, standard library only.

A wrong clock or interval puts some bars on right slots by chance. So the bars of a ticker are checked by the week: when
another reading explains nearly all of them and ours does not, none of the week is stored.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from shared.calendar.clock_search import FEWEST, describe, explains_better, extend_faults, find_shift, week_of
from shared.calendar.trading import EXCHANGE_ZONE, LENGTHS, TradingCalendar


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
    return extend_faults(weeks, faults)


class _Fits:
    """Starts of finished bars, under our reading of the times and under others."""

    def __init__(self, interval: str, fetched_at: datetime, market: TradingCalendar) -> None:
        self._interval, self._length, self._fetched_at = interval, LENGTHS[interval], fetched_at
        self._market = market
        self._days = {session.date for session in market.sessions}
        self._known: dict[datetime, bool] = {}

    def clock_fault(self, starts: Sequence[datetime]) -> Rejection | None:
        """Return a fault when another clock, or naming bars by their end, explains *starts* better than UTC does."""
        if len(starts) < FEWEST or not 1900 < starts[0].year < 9000:
            return None
        now = sum(map(self._is_bar, starts))
        if now == len(starts):
            return None
        ends = sum(map(self._is_end, starts))
        if explains_better(ends, now, len(starts)):
            return Rejection("named-by-end", f"{ends} of {len(starts)} times of this week are the ends of bars.")
        shift = find_shift(starts, self._is_bar, self._days)
        return _wrong_clock(shift, starts) if shift else None

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


def _wrong_clock(shift: timedelta, starts: Sequence[datetime]) -> Rejection:
    zone = ", those of New York" if starts[0].astimezone(EXCHANGE_ZONE).utcoffset() == -shift else ""
    return Rejection("clock-doubtful", f"The times of this week are {describe(shift)} UTC{zone}.")
