"""Scale changes between stored and fetched bars, and conversion of a bar to another scale. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from functions.store.bar_versions import BarVersion
from functions.store.splits.ratios import SMALL, USUAL, Ratio, distance, nearest_ratio
from functions.store.validation import PricedBar, ValidBar

FEWEST_PAIRS = 3
"""Bars that both answers need to have: one or two may be corrections."""

_PRICES = ("open", "high", "low", "close")
_NOTICEABLE = Decimal("0.04")
"""A smaller change is a correction or an adjustment for dividends."""
_ROUNDING_PART, _ROUNDING = Decimal("0.005"), Decimal("0.01")
_SAME_LEVEL = Decimal("0.03")
_VOLUME_TOLERANCE = Decimal("0.1")
_DIGITS = Decimal("1E-8")


class ScaleChange(NamedTuple):
    """One ratio between the stored and the fetched figures of the bars up to the one that starts at *last*.

    *plausible*: it is the ratio of a usual split, or the volumes changed the other way.
    """

    ratio: Ratio
    last: datetime
    pairs: int
    plausible: bool


def find_scale_change(
    fetched: Mapping[datetime, ValidBar], stored: Mapping[datetime, BarVersion]
) -> ScaleChange | None:
    """Return the change of scale that *fetched* shows against *stored*, None without one.

    All four prices of the first bars that both have differ by one ratio, and those of the bars after them do not.
    """
    starts = sorted(fetched.keys() & stored.keys())
    if len(starts) < FEWEST_PAIRS:
        return None
    factor = stored[starts[0]].close / fetched[starts[0]].close
    if distance(factor, Decimal(1)) < _NOTICEABLE:
        return None
    count = next(
        (index for index, start in enumerate(starts) if not _is_scaled(stored[start], fetched[start], factor)),
        len(starts),
    )
    if count < FEWEST_PAIRS:
        return None
    if any(distance(stored[start].close / fetched[start].close, Decimal(1)) > _SAME_LEVEL for start in starts[count:]):
        return None
    changed = starts[:count]
    factor = median(stored[start].close for start in changed) / median(fetched[start].close for start in changed)
    smallest = min(fetched[start].close for start in changed)
    ratio = nearest_ratio(factor, _ROUNDING_PART + _ROUNDING / smallest / 2, (*USUAL, *SMALL))
    plausible = ratio is not None or _has_opposite_volume(changed, fetched, stored, factor)
    return ScaleChange(ratio or Ratio(round(factor, 6)), changed[-1], count, plausible)


def rescale_bar(bar: ValidBar | BarVersion, start: datetime, factor: Decimal) -> PricedBar:
    """Return *bar* as it is after a split that divides its prices by *factor*."""
    opened, high, low, close = (_rounded(price / factor) for price in (bar.open, bar.high, bar.low, bar.close))
    volume = None if bar.volume is None else Decimal(round(bar.volume * factor))
    return PricedBar(start, opened, high, low, close, volume)


def median_close_ratio(
    starts: Sequence[datetime], fetched: Mapping[datetime, ValidBar], stored: Mapping[datetime, BarVersion]
) -> Decimal | None:
    """Return the median ratio of stored to fetched closes at *starts*, None where no bar is in both."""
    ratios = [stored[start].close / fetched[start].close for start in starts if start in fetched and start in stored]
    return median(ratios) if ratios else None


def _is_scaled(stored: BarVersion, fetched: ValidBar, factor: Decimal) -> bool:
    for name in _PRICES:
        price: Decimal = getattr(fetched, name)
        if abs(getattr(stored, name) / factor - price) > _ROUNDING_PART * price + _ROUNDING:
            return False
    return True


def _has_opposite_volume(
    starts: Sequence[datetime],
    fetched: Mapping[datetime, ValidBar],
    stored: Mapping[datetime, BarVersion],
    factor: Decimal,
) -> bool:
    changes: list[Decimal] = []
    for start in starts:
        before, after = stored[start].volume, fetched[start].volume
        if before and after:
            changes.append(after / before)
    return bool(changes) and distance(median(changes), factor) <= _VOLUME_TOLERANCE


def _rounded(price: Decimal) -> Decimal:
    return price.quantize(_DIGITS).normalize()
