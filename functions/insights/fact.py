"""A fact: one figure, the words it is shown as, and the exact bars that it was computed from.

Rounding happens here and nowhere else: a value keeps 6 decimals, a text fewer, both half up and both from the unrounded
figure, so that whoever computes it again from the bars gets the same digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal
from urllib.parse import quote

Direction = Literal["up", "down"]

HUNDRED = Decimal(100)
_VALUE = Decimal("0.000001")
_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")


@dataclass(frozen=True, kw_only=True)
class Rests:
    """The bars behind a figure: the *fields* of the bars of all *tickers* at all *starts*, which end by *end*."""

    tickers: tuple[str, ...]
    starts: tuple[datetime, ...]
    end: datetime
    fields: tuple[str, ...]

    @property
    def link(self) -> str:
        """The question to /ohlc whose answer holds these bars; below the root of the API."""
        window = f"start={_instant(min(self.starts))}&end={_instant(self.end)}"
        if len(self.tickers) == 1:
            return f"/ohlc/{quote(self.tickers[0])}?{window}"
        return f"/ohlc?tickers={quote(','.join(self.tickers), safe=',')}&{window}"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A figure of *metric* about *ticker*, or about the market where that is None.

    *value* is in *unit*; *text* is what stands in a sentence for it, without its sign: *direction* says that.
    *weight* is how much it deserves to be told, for choosing only.
    """

    id: str = ""
    metric: str
    ticker: str | None
    basis: str | None
    value: Decimal
    unit: str
    text: str
    direction: Direction | None
    rests: Rests
    weight: Decimal = Decimal()

    @property
    def signed(self) -> bool:
        """Tell whether a sentence has to say the direction, because the text does not."""
        return self.direction is not None and self.metric in ("change", "market_change", "gap", "breadth", "streak")


def change(old: Decimal, new: Decimal) -> Decimal:
    """Return the change from *old* to *new* in percent, unrounded."""
    return (new - old) / old * HUNDRED


def direction_of(figure: Decimal) -> Direction | None:
    """Return which way *figure* points, None for none."""
    return "up" if figure > 0 else "down" if figure < 0 else None


def rounded(figure: Decimal) -> Decimal:
    """Return *figure* as a fact's value keeps it."""
    return figure.quantize(_VALUE, ROUND_HALF_UP)


def percent(figure: Decimal) -> str:
    """Return the size of *figure* as `1.43%`."""
    return f"{abs(figure).quantize(_CENT, ROUND_HALF_UP)}%"


def times(figure: Decimal) -> str:
    """Return a ratio as `3.1 times`."""
    return f"{figure.quantize(_TENTH, ROUND_HALF_UP)} times"


def dollars(figure: Decimal) -> str:
    """Return a price as `$1,271.50`."""
    return f"${figure.quantize(_CENT, ROUND_HALF_UP):,}"


def place(number: int) -> str:
    """Return *number* as an ordinal in front of a superlative: nothing for the first, then `2nd`, `3rd`, `4th`."""
    return {1: "", 2: "2nd ", 3: "3rd "}.get(number, f"{number}th ")


def shown_as_nothing(figure: Decimal) -> bool:
    """Tell whether `percent` would show zero: such a move has no direction worth a word."""
    return not abs(figure).quantize(_CENT, ROUND_HALF_UP)


def ordered(tickers: Sequence[str]) -> tuple[str, ...]:
    """Return *tickers* as /ohlc gives them."""
    return tuple(sorted(tickers))


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
