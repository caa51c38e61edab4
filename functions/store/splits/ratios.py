"""Split ratios: the usual ones, and which of them a change of price is nearest to. Pure: values to values."""

from bisect import bisect
from decimal import Decimal
from functools import cache
from typing import NamedTuple


class Ratio(NamedTuple):
    """*new* shares for *old* shares: 10:1 divides a price by ten, 1:10 multiplies it."""

    new: Decimal
    old: Decimal = Decimal(1)

    @property
    def factor(self) -> Decimal:
        """The old price divided by the new one."""
        return self.new / self.old

    def __str__(self) -> str:
        return f"{self.new.normalize():f}:{self.old.normalize():f}"


_WHOLE = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50)
USUAL = (
    *(Ratio(Decimal(new), Decimal(old)) for new, old in ((3, 2), (5, 2))),
    *(Ratio(Decimal(count)) for count in _WHOLE),
    *(Ratio(Decimal(1), Decimal(count)) for count in _WHOLE),
)
"""Ratios of splits that are recognised without another proof than the bars on both sides."""

SMALL = tuple(Ratio(Decimal(new), Decimal(old)) for new, old in ((21, 20), (11, 10), (6, 5), (5, 4), (4, 3), (7, 5)))
"""Stock dividends and small splits: prices move so far by themselves, so only an overlap shows them."""


def nearest_ratio(factor: Decimal, tolerance: Decimal, ratios: tuple[Ratio, ...] = USUAL) -> Ratio | None:
    """Return the ratio of *ratios* nearest to *factor*, None when it differs by more than the part *tolerance*."""
    factors, ordered = _by_factor(ratios)
    index = bisect(factors, factor)
    around = ordered[max(index - 1, 0) : index + 1]
    best = min(around, key=lambda ratio: distance(ratio.factor, factor))
    return best if distance(best.factor, factor) <= tolerance else None


@cache  # each pair of neighbouring bars asks
def _by_factor(ratios: tuple[Ratio, ...]) -> tuple[list[Decimal], list[Ratio]]:
    """Return the factors of *ratios* in order, and the ratios in the same."""
    ordered = sorted(ratios, key=lambda ratio: ratio.factor)
    return [ratio.factor for ratio in ordered], ordered


def distance(one: Decimal, other: Decimal) -> Decimal:
    """Return by which part of the smaller the larger of two positive numbers is larger."""
    return max(one, other) / min(one, other) - 1


def parse_ratio(text: str) -> Ratio:
    """Return the ratio that *text* states as `10:1`; the message of a ValueError has the valid form."""
    parts = text.split(":")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and 0 < len(part) <= 4 for part in parts):
        raise ValueError("ratio: should be new shares and old shares, such as 10:1, 3:2 or 1:20")
    ratio = Ratio(Decimal(parts[0]), Decimal(parts[1]))
    if not ratio.new or not ratio.old or ratio.new == ratio.old:
        raise ValueError("ratio: should change the number of shares, such as 10:1, 3:2 or 1:20")
    return ratio
