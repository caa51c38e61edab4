"""Hours of the exchange's grid from the bars of a file: stored as they are, or aggregated from shorter ones."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from functions.ingest import volumes
from functions.ingest.csv_files.clock import Clock, find_slot
from functions.ingest.csv_files.grid import Grid, Slot, session_date
from functions.ingest.csv_files.lines import Fault, Quote
from shared.calendar.clock_search import extend_faults, week_of
from shared.events.types import Bar, RefusedBar

HOUR = timedelta(hours=1)
_TEXT = 2000
"""Characters of the lines, and of the detail, that a refused bar keeps."""


class Refusal(NamedTuple):
    """Lines of a file that are not stored, with the first one's number, and the reason."""

    line: int
    ticker: str
    start: datetime | None
    fault: Fault
    lines: tuple[str, ...]

    def as_event(self) -> RefusedBar:
        """Return the refusal as an event carries it to the rejected bars."""
        text = "\n".join(self.lines)
        rest = f"\n... of {len(self.lines)} lines" if len(text) > _TEXT else ""
        return RefusedBar(
            start=self.start, reason=self.fault.reason, detail=self.fault.detail[:_TEXT], text=text[:_TEXT] + rest
        )


class Hours(NamedTuple):
    """Hourly bars of one ticker, the refused ones, and the number of repeated lines."""

    bars: list[Bar]
    refused: list[Refusal]
    repeated: int


class _Placed(NamedTuple):
    instant: datetime
    slot: Slot | None
    quote: Quote


def make_hours(quotes: Sequence[Quote], clock: Clock, grid: Grid, *, allow_gaps: bool = False) -> Hours:
    """Return the hours of one ticker's *quotes*; an hour with a gap is refused, with *allow_gaps* stored and noted."""
    refused: list[Refusal] = []
    placed = [
        _Placed(instant, find_slot(clock, grid, instant), quote)
        for quote in quotes
        for instant in (clock.instant(quote.time),)
    ]
    placed.sort(key=lambda one: one.instant)
    placed = _drop_false_weeks(placed, clock, grid, refused)
    placed = _drop_outside(placed, grid, refused)
    kept, repeated = _drop_duplicates(placed, refused)
    if grid.length == HOUR:
        return Hours([_bar(slot.start, [one])[0] for slot, one in kept.items()], refused, repeated)
    hours: dict[Slot, list[Quote]] = {}
    for slot, quote in kept.items():
        opens = slot.session.opens
        hours.setdefault(Slot(slot.session, opens + (slot.start - opens) // HOUR * HOUR), []).append(quote)
    bars: list[Bar] = []
    for hour, some in hours.items():
        wanted = -((hour.start - hour.session.end("1h", hour.start)) // grid.length)
        if missing := wanted - len(some):
            detail = f"{missing} of {wanted} bars of this hour are not in the file."
            refused.append(_refusal(some, hour.start, Fault("hour-incomplete", "", detail)))
        if not missing or allow_gaps:
            bar, detail = _bar(hour.start, some)
            bars.append(bar)
            if detail:
                refused.append(_refusal(some, hour.start, Fault(volumes.REASON, "", detail)))
    return Hours(bars, refused, repeated)


def _drop_false_weeks(placed: Sequence[_Placed], clock: Clock, grid: Grid, refused: list[Refusal]) -> Sequence[_Placed]:
    """Return *placed* without the weeks whose times another clock explains better."""
    weeks: dict[tuple[int, int], list[_Placed]] = {}
    for one in placed:
        weeks.setdefault(week_of(one.instant), []).append(one)
    early = grid.length if clock.named_by == "end" else timedelta()
    starts_of = {
        week: sorted({one.slot.start if one.slot else one.instant - early for one in some})
        for week, some in weeks.items()
    }
    details = {week: detail for week, starts in starts_of.items() if (detail := grid.clock_fault(starts))}
    details = extend_faults(starts_of, details)
    kept: list[_Placed] = []
    for week, some in weeks.items():
        if week not in details:
            kept += some
            continue
        fault = Fault("clock-doubtful", "", details[week])
        days = (list(day) for _, day in groupby(some, key=lambda one: session_date(one.instant)))
        refused += [_refusal([one.quote for one in day], day[0].instant, fault) for day in days]
    return kept


def _drop_outside(placed: Sequence[_Placed], grid: Grid, refused: list[Refusal]) -> list[_Placed]:
    """Return those of *placed* that are bars of sessions: a session cut on another grid is refused as a whole."""
    days: dict[date, list[_Placed]] = {}
    for one in placed:
        days.setdefault(session_date(one.instant), []).append(one)
    kept: list[_Placed] = []
    for day in days.values():
        inside = [one for one in day if one.slot]
        beside = [one for one in day if not one.slot and grid.is_beside(one.instant)]
        outside = [one for one in day if not one.slot and not grid.is_beside(one.instant)]
        if beside and 2 * len(beside) >= len(inside):
            detail = (
                f"{len(beside)} bars of this session start beside the grid from its open: clock hours, for instance."
            )
            beside, inside = [*inside, *beside], []
        else:
            detail = "The bar starts beside the grid of the session."
        fault = Fault("off-grid", "", detail)
        refused += [_refusal([one.quote], one.instant, fault) for one in sorted(beside)]
        if outside:
            fault = Fault("outside-session", "", f"{len(outside)} lines of this day lie outside the session.")
            refused.append(_refusal([one.quote for one in outside], outside[0].instant, fault))
        kept += inside
    return kept


def _drop_duplicates(placed: Sequence[_Placed], refused: list[Refusal]) -> tuple[dict[Slot, Quote], int]:
    """Return one quote a slot: the last line of the file; the others are refused where they say something else."""
    kept: dict[Slot, Quote] = {}
    repeated = 0
    for one in sorted(placed, key=lambda one: one.quote.line.number):
        assert one.slot is not None  # noqa: S101  those without were dropped
        before = kept.get(one.slot)
        if before is not None and before.figures == one.quote.figures:
            repeated += 1
        elif before is not None:
            detail = f"Line {one.quote.line.number} has the same start and other figures."
            refused.append(_refusal([before], one.slot.start, Fault("contradicted", "", detail)))
        kept[one.slot] = one.quote
    return dict(sorted(kept.items(), key=lambda item: item[0].start)), repeated


def _refusal(quotes: Sequence[Quote], start: datetime, fault: Fault) -> Refusal:
    first = quotes[0]
    return Refusal(first.line.number, first.ticker, start, fault, tuple(one.line.text for one in quotes))


def _bar(start: datetime, quotes: Sequence[Quote]) -> tuple[Bar, str | None]:
    """Return the hour of *quotes*, and why it has no volume although some of them have."""
    figures = [one.figures for one in quotes]
    volume, fault = volumes.add_volumes([volumes.Part(one.volume, one.low, one.high) for one in figures])
    bar = Bar(
        start=start,
        open=figures[0].open,
        high=max(one.high for one in figures),
        low=min(one.low for one in figures),
        close=figures[-1].close,
        volume=volume,
        text=quotes[0].line.text[:_TEXT] if volume is not None and volume.is_nan() else None,
    )
    return bar, fault
