"""Search for another clock that explains the times of a series better than the assumed one. Pure.

A wrong clock puts some bars into valid slots by chance, so a series is checked week by week.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from shared.calendar.trading import EXCHANGE_ZONE

Fault = TypeVar("Fault")

WIDEST_SHIFT = timedelta(hours=14)
"""Required margin of the calendar around the bars."""
HALF_HOUR = timedelta(minutes=30)
SHIFTS = sorted((HALF_HOUR * index for index in range(-28, 29) if index), key=abs)
FEWEST = 3
"""Minimum number of times in a week that allows a conclusion."""
NEARLY_ALL = 0.9
_DAY = timedelta(days=1)


def week_of(start: datetime) -> tuple[int, int]:
    """Return the ISO year and week of *start*: within one, the exchange's offset from UTC does not change."""
    year, week, _ = start.isocalendar()
    return year, week


def is_extended(start: datetime, days: Container[date]) -> bool:
    """Return whether *start* lies within the extended hours of one of *days*."""
    local = start.astimezone(EXCHANGE_ZONE)
    return 4 <= local.hour < 20 and local.date() in days


def explains_better(other: int, ours: int, count: int) -> bool:
    """Return whether a reading that makes bars of *other* of *count* times is right rather than ours.

    One or two stray bars among many, such as a closing auction, are no evidence about the others.
    """
    gain = other - ours
    return gain > count / 20 and (other == count or (other >= NEARLY_ALL * count and gain >= 2))


def find_shift(
    starts: Sequence[datetime], is_bar: Callable[[datetime], bool], days: Container[date]
) -> timedelta | None:
    """Return the shift to add to the *starts* of one week, None when their clock may be right.

    Either it makes bars of them, which most are not as they are, or they lie where not even extended hours trade.
    """
    if len(starts) < FEWEST:
        return None
    ours = sum(map(is_bar, starts))
    if ours == len(starts):
        return None
    best, shift = max(((sum(is_bar(start + shift) for start in starts), shift) for shift in SHIFTS), key=_count)
    if explains_better(best, ours, len(starts)):
        return shift
    if sum(not is_extended(start, days) for start in starts) < max(FEWEST, len(starts) / 10):
        return None
    for shift in SHIFTS:
        if sum(is_extended(start + shift, days) for start in starts) >= 0.95 * len(starts):
            return shift
    return None


def extend_faults(
    weeks: Mapping[tuple[int, int], Sequence[datetime]], faults: Mapping[tuple[int, int], Fault]
) -> dict[tuple[int, int], Fault]:
    """Return *faults* of *weeks*, extended to weeks with too few times if most times have a fault.

    Such weeks have few times or one session, as at the edges of a requested window.
    """
    found = dict(faults)
    if 2 * sum(len(weeks[week]) for week in faults) > sum(map(len, weeks.values())):
        fault = next(iter(faults.values()))
        for week, starts in weeks.items():
            if len(starts) < 2 * FEWEST or starts[-1] - starts[0] < _DAY:
                found.setdefault(week, fault)
    return found


def describe(shift: timedelta) -> str:
    """Return the error of a clock that needs *shift*, such as `5 h behind`."""
    hours = shift / timedelta(hours=1)
    return f"{abs(hours):g} h {'behind' if hours > 0 else 'ahead of'}"


def _count(found: tuple[int, timedelta]) -> int:
    return found[0]
