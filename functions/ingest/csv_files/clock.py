"""Clock of a CSV file: its time zone, and whether bars are named by their start or their end.

A zone is accepted for times without one only when it fills the sessions and no shift of it by half hours does.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from functions.ingest.csv_files.grid import Grid, Slot
from shared.calendar.clock_search import NEARLY_ALL, SHIFTS, week_of
from shared.calendar.trading import EXCHANGE_ZONE

NamedBy = Literal["start", "end"]

_CANDIDATES = (
    UTC,
    EXCHANGE_ZONE,
    *map(
        ZoneInfo,
        (
            "America/Chicago",
            "America/Denver",
            "America/Los_Angeles",
            "Europe/London",
            "Europe/Berlin",
            "Europe/Athens",
            "Asia/Kolkata",
            "Asia/Singapore",
            "Asia/Tokyo",
            "Australia/Sydney",
        ),
    ),
)
_SAMPLED_WEEKS = 12
_MARGIN = 0.5
"""Bars a session by which the best reading must beat all others: a shift loses one at the open or the close."""


class Clock(NamedTuple):
    """Time zone of a file, None where each time names its own; *source* is its origin in words."""

    zone: tzinfo | None
    named_by: NamedBy
    source: str

    def instant(self, time: datetime) -> datetime:
        """Return *time* in UTC."""
        return (time if time.tzinfo else time.replace(tzinfo=self.zone or UTC)).astimezone(UTC)


class ClockError(ValueError):
    """A clock that cannot be inferred; the message says which option states it."""


def find_clock(times: Sequence[datetime], grid: Grid, zone: tzinfo | None, source: str) -> Clock:
    """Return the clock of *times* (sorted, each once): in *zone*, else in the zone inferred from the sessions."""
    sample = _sample(times)
    if all(time.tzinfo for time in sample):
        return Clock(None, _named_by([time.astimezone(UTC) for time in sample], grid), "in the times")
    if zone is not None:
        return Clock(zone, _named_by(_read(sample, zone), grid), source)
    readings = [_read(sample, one) for one in _CANDIDATES]
    counts = [_count(_best_slots(reading, grid)) for reading in readings]
    count = max(counts)
    best, instants = _CANDIDATES[counts.index(count)], readings[counts.index(count)]
    if count < max(NEARLY_ALL * len(sample), 2):
        raise ClockError("the times name no zone, and no usual one puts them into the sessions: state it with --zone")
    days = {instant.date() for instant in _best_slots(instants, grid) if instant}
    if count - _rival(instants, grid) <= _MARGIN * len(days):
        raise ClockError(
            f"the times name no zone; {_name(best)} fits, and other clocks fit as well: state it with --zone"
        )
    named_by = _named_by(instants, grid)
    return Clock(best, named_by, f"inferred: {count} of {len(sample)} times are bars of its sessions")


def zone_name(clock: Clock) -> str:
    """Return the zone as people write it."""
    return "as each time names it" if clock.zone is None else _name(clock.zone)


def find_slot(clock: Clock, grid: Grid, instant: datetime) -> Slot | None:
    """Return the bar that *instant* names, None when it names none."""
    return grid.bar_starting_at(instant) if clock.named_by == "start" else grid.bar_ending_at(instant)


def _sample(times: Sequence[datetime]) -> list[datetime]:
    """Return the times of some weeks, spread evenly over all: enough to see the seasons."""
    weeks: dict[tuple[int, int], list[datetime]] = {}
    for time in times:
        weeks.setdefault(week_of(time), []).append(time)
    step = max(len(weeks) / _SAMPLED_WEEKS, 1)
    whole = list(weeks.values())
    return [time for index in range(min(len(whole), _SAMPLED_WEEKS)) for time in whole[int(index * step)]]


def _read(times: Iterable[datetime], zone: tzinfo) -> list[datetime]:
    return [(time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC) for time in times]


def _slots(instants: Sequence[datetime], find: Callable[[datetime], Slot | None]) -> list[datetime | None]:
    return [slot.start if (slot := find(instant)) else None for instant in instants]


def _best_slots(instants: Sequence[datetime], grid: Grid) -> list[datetime | None]:
    """Return the bar that each of *instants* names: by the start or by the end, whichever finds more."""
    return max(_slots(instants, grid.bar_starting_at), _slots(instants, grid.bar_ending_at), key=_count)


def _rival(instants: Sequence[datetime], grid: Grid) -> int:
    """Return how many times the best other clock explains; a shift that finds the same bars does not count."""
    ours = _best_slots(instants, grid)
    most = 0
    for shift in SHIFTS:
        shifted = [instant + shift for instant in instants]
        for find in (grid.bar_starting_at, grid.bar_ending_at):
            theirs = _slots(shifted, find)
            if any(our is not None and our != their for our, their in zip(ours, theirs, strict=True)):
                most = max(most, _count(theirs))
    return most


def _count(slots: Sequence[datetime | None]) -> int:
    return len(slots) - slots.count(None)


def _named_by(instants: Sequence[datetime], grid: Grid) -> NamedBy:
    """Return "end" when that explains a bar more in most sessions; a closing auction alone does not."""
    known = set(instants)
    days = {slot.session for instant in instants if (slot := grid.bar_starting_at(instant))}
    opens = sum(session.opens in known for session in days)
    ends = sum(grid.bar_ending_at(instant) is not None for instant in instants)
    starts = sum(grid.bar_starting_at(instant) is not None for instant in instants)
    return "end" if ends - starts > len(days) / 2 and opens < len(days) / 2 else "start"


def _name(zone: tzinfo) -> str:
    return "UTC" if zone is UTC else str(zone)
