"""Splits in unadjusted prices: a jump between two sessions by a usual ratio, with the volume the other way. Pure.

A price that halves on news looks similar. The differences: a split has an exact ratio, multiplies the volume by it, and
leaves the ranges of the bars as they were; news does neither.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Literal, NamedTuple

from functions.store.jumps import REACH
from functions.store.splits.ratios import USUAL, Ratio, distance, nearest_ratio
from functions.store.validation import ValidBar
from shared.calendar.trading import TradingCalendar

Evidence = Literal["split", "no-volume", "contradicted"]

_GAP = Decimal("0.06")
"""The price also moves by itself between two sessions."""
_NARROW_GAP = Decimal("0.04")
_SMALL_FACTOR = Decimal("2.5")
"""News moves prices by up to this factor often enough to be stricter."""
_VOLUME_NOISE = Decimal("2.5")
"""Trading days differ so much in volume by themselves."""
_AROUND = 35
"""Bars on either side: five sessions."""
_LEAST_RANGE = Decimal("0.002")
_SMALLEST = min(max(ratio.factor, 1 / ratio.factor) for ratio in USUAL) / (1 + _GAP)
"""Prices that lie closer together show no split."""


class JumpSplit(NamedTuple):
    """A jump by the *ratio* of a split to the bar that starts at *starts_at*, and the evidence for a split."""

    starts_at: datetime
    ratio: Ratio
    evidence: Evidence
    detail: str


def find_jump_splits(
    bars: Mapping[datetime, ValidBar], new: frozenset[datetime], market: TradingCalendar
) -> list[JumpSplit]:
    """Return the jumps by the ratio of a split in *bars*, of one ticker in order; only to bars that are in *new*."""
    prices = [price for bar in bars.values() for price in (bar.open, bar.close)]
    if max(prices) < min(prices) * _SMALLEST:  # as nearly always: nothing jumped at all
        return []
    starts = sorted(bars)
    found: list[JumpSplit] = []
    first = 0
    for index in range(1, len(starts)):
        before, after = starts[index - 1], starts[index]
        if after not in new or after - before > REACH:
            continue
        if market.session_at(before) == market.session_at(after):
            continue
        factor = bars[before].close / bars[after].open
        ratio = nearest_ratio(factor, _GAP)
        if ratio is None:
            continue
        left, right = starts[max(first, index - _AROUND) : index], starts[index : index + _AROUND]
        right = right[: _end_of_level(right, bars)]
        evidence, detail = _weigh(ratio, factor, left, right, bars, market)
        found.append(JumpSplit(after, ratio, evidence, f"{bars[before].close} to {bars[after].open}; {detail}"))
        first = index
    return found


def _end_of_level(starts: Sequence[datetime], bars: Mapping[datetime, ValidBar]) -> int:
    """Return how many of the bars at *starts* come before the next jump."""
    for index in range(1, len(starts)):
        if distance(bars[starts[index - 1]].close, bars[starts[index]].open) > Decimal("0.4"):
            return index
    return len(starts)


def _weigh(
    ratio: Ratio,
    factor: Decimal,
    left: Sequence[datetime],
    right: Sequence[datetime],
    bars: Mapping[datetime, ValidBar],
    market: TradingCalendar,
) -> tuple[Evidence, str]:
    """Return the evidence of volumes and ranges for a split of *ratio* between bars at *left* and *right*."""
    expected = ratio.factor
    change = _volume_change(left, right, bars, market)
    if change is None:
        return "no-volume", "there is no volume to compare"
    text = f"the volume changed by a factor of {change:.2f}"
    small = max(expected, 1 / expected) <= _SMALL_FACTOR
    off = max(change, expected) / min(change, expected)
    # Nearer to the split's factor than to 1, as a ratio.
    moved = change * change >= expected if expected > 1 else change * change <= expected
    if not moved or off > _VOLUME_NOISE:
        return "contradicted", f"{text}, a {ratio} split changes it by {expected:.2f}"
    if small and distance(factor, expected) > _NARROW_GAP:
        return "contradicted", f"the price changed by {factor:.3f}, a {ratio} split changes it by {expected:.3f}"
    calm = max(_usual_range(left, bars), _LEAST_RANGE) * (Decimal("2.5") if small else 4)
    if expected > 1 and _usual_range(right, bars) > calm:
        return "contradicted", f"{text}, and prices swing more than before, as after news"
    return "split", text


def _volume_change(
    left: Sequence[datetime], right: Sequence[datetime], bars: Mapping[datetime, ValidBar], market: TradingCalendar
) -> Decimal | None:
    """Return the usual ratio of volumes after and before, of bars at the same time of the session where both are."""
    before: dict[timedelta | None, list[Decimal]] = {}
    for start in left:
        if volume := bars[start].volume:
            before.setdefault(_time_of_session(start, market), []).append(Decimal(volume))
            before.setdefault(None, []).append(Decimal(volume))
    if not before:
        return None
    changes = [
        Decimal(volume) / median(before[_time_of_session(start, market)])
        for start in right
        if (volume := bars[start].volume) and _time_of_session(start, market) in before
    ]
    if not changes:
        changes = [Decimal(volume) / median(before[None]) for start in right if (volume := bars[start].volume)]
    return median(changes) if changes else None


def _time_of_session(start: datetime, market: TradingCalendar) -> timedelta | None:
    session = market.session_at(start)
    return start - session.opens if session else None


def _usual_range(starts: Sequence[datetime], bars: Mapping[datetime, ValidBar]) -> Decimal:
    return median((bars[start].high - bars[start].low) / bars[start].close for start in starts)
