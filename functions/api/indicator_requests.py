"""Indicators that a query may ask for: their spelling, bounds, columns, and the bars that each value rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log

from functions.api import indicator_formulas as formulas
from functions.api.indicator_formulas import PriceSeries, Values

MAX_INDICATORS = 10
USUAL = ("sma:20", "ema:20", "rsi:14", "macd:12:26:9", "bollinger:20:2", "atr:14", "vwap")
VWAP = "vwap"
_SETTLED = 1e-3
"""Weight of older bars below which a value counts as resting on the newer ones alone."""
_VANISHED = 1e-12
"""Weight of older bars below which they do not change a rounded value."""
_LENGTH, _WILDER = "[2-9]|[1-9][0-9]|[1-3][0-9]{2}|400", "[2-9]|[1-9][0-9]|1[0-9]{2}|200"
_WIDTH = r"0\.[1-9]|[1-9](\.[1-9])?|10"
PATTERN = (
    rf"((sma|ema)(:({_LENGTH}))?|(rsi|atr)(:({_WILDER}))?|macd(:({_WILDER}):({_LENGTH}):({_WILDER}))?|"
    rf"bollinger(:({_LENGTH})(:({_WIDTH}))?)?|vwap)"
)
"""Spelling of one indicator; `_check` has the rules that a pattern cannot express."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Kind of indicator: *columns* of values, usual parameters, the greatest of each, and its definition."""

    columns: tuple[str, ...]
    usual: tuple[float, ...]
    greatest: tuple[float, ...]
    definition: str


_KINDS = {
    "sma": _Kind(("sma",), (20,), (400,), "Mean of the last {} closes"),
    "ema": _Kind(("ema",), (20,), (400,), "Exponential average of {} closes: the newest has the weight 2 / (bars + 1)"),
    "rsi": _Kind(("rsi",), (14,), (200,), "Wilder's relative strength index of {} changes of the close, 0 to 100"),
    "macd": _Kind(
        ("macd", "macd_signal", "macd_histogram"),
        (12, 26, 9),
        (200, 400, 200),
        "Exponential average of {} closes less that of {}; signal: its exponential average of {}; histogram: the rest",
    ),
    "bollinger": _Kind(
        ("bollinger_upper", "bollinger_middle", "bollinger_lower"),
        (20, 2),
        (400, 10),
        "Mean of the last {} closes, and {} standard deviations (of the population) above and below it",
    ),
    "atr": _Kind(("atr",), (14,), (200,), "Wilder's average of {} true ranges, in USD"),
    VWAP: _Kind(
        (VWAP,), (), (), "Price weighted by volume, of the session up to the bar; of a longer bar, of all its hours"
    ),
}
KINDS = tuple(_KINDS)


@dataclass(frozen=True)
class Indicator:
    """An indicator with its parameters, as `sma:20` spells it."""

    kind: str
    parameters: tuple[float, ...]

    def __str__(self) -> str:
        return ":".join((self.kind, *(f"{one:g}" for one in self.parameters)))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of its values: the kind's, with the parameters."""
        ending = "".join(f"_{one:g}" for one in self.parameters)
        return tuple(f"{name}{ending}" for name in _KINDS[self.kind].columns)

    @property
    def definition(self) -> str:
        """Definition of a value, in a sentence."""
        return _KINDS[self.kind].definition.format(*(f"{one:g}" for one in self.parameters))

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Of each column, the bars on which a value rests, all but a thousandth of it where older ones fade."""
        return self._bars(_SETTLED)

    @cached_property
    def warm_up_bars(self) -> int:
        """Bars up to the first of a page, it included, from which its value is the same as from the whole history."""
        return max(self._bars(_VANISHED))

    def compute(self, prices: PriceSeries) -> tuple[Values, ...]:
        """Return the values of each column."""
        whole = [int(one) for one in self.parameters]
        match self.kind:
            case "sma":
                return (formulas.simple_average(prices, *whole),)
            case "ema":
                closes = [close / prices.unit for close in prices.close]
                return (formulas.exponential_average(closes, *whole),)
            case "rsi":
                return (formulas.relative_strength(prices, *whole),)
            case "macd":
                return formulas.macd(prices, *whole)
            case "bollinger":
                return formulas.bands(prices, whole[0], self.parameters[1])
            case "atr":
                return (formulas.true_range_average(prices, *whole),)
        return (formulas.session_average(prices),)

    def _bars(self, rest: float) -> tuple[int, ...]:
        whole = [int(one) for one in self.parameters]
        match self.kind:
            case "ema":
                return (_exponential(whole[0], rest),)
            case "rsi" | "atr":
                return (1 + whole[0] + _decay(1 - 1 / whole[0], rest),)
            case "macd":
                line = max(_exponential(whole[0], rest), _exponential(whole[1], rest))
                signal = line + _exponential(whole[2], rest) - 1
                return line, signal, signal
            case "sma" | "bollinger":
                return (whole[0],) * len(self.columns)
        return (_LONGEST_SESSION,)


_LONGEST_SESSION = 7
"""Hourly bars."""


def _exponential(length: int, rest: float) -> int:
    return length + _decay(1 - 2 / (length + 1), rest)


def _decay(factor: float, rest: float) -> int:
    """Return after how many bars a weight that falls by *factor* with each is at most *rest*."""
    return ceil(log(rest) / log(factor))


def parse_indicators(text: str) -> tuple[str, ...]:
    """Return the indicators that *text* lists, spelled in full; the message of a ValueError says how to correct it."""
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError(f"should list indicators, such as sma:20,rsi. There are {', '.join(KINDS)}")
    found = dict.fromkeys(str(read_indicator(part)) for part in parts[: MAX_INDICATORS + 1])
    if len(found) > MAX_INDICATORS or len(parts) > 2 * MAX_INDICATORS:
        raise ValueError(f"should list at most {MAX_INDICATORS} indicators")
    return tuple(found)


def read_indicator(text: str) -> Indicator:
    """Return the indicator that *text* spells; the message of a ValueError says how to correct it."""
    name, *given = text[:60].split(":")
    if name not in _KINDS:
        raise ValueError(f"has no {name[:20]}. There are {', '.join(KINDS)}")
    kind = _KINDS[name]
    if not given:
        return Indicator(name, kind.usual)
    required = range(1, 3) if name == "bollinger" else (len(kind.usual),)
    if len(given) not in required:
        usual = ":".join((name, *(f"{one:g}" for one in kind.usual)))
        raise ValueError(f"should have {name} as {usual}" + (f", or {name} alone" if kind.usual else ""))
    values = [_parse(name, kind, place, one) for place, one in enumerate(given)]
    _check(name, values)
    return Indicator(name, (*values, *kind.usual[len(values) :]))


def _parse(name: str, kind: _Kind, place: int, text: str) -> float:
    """Return a parameter: a whole number of bars, or the width of bands in tenths."""
    most = kind.greatest[place]
    if name == "bollinger" and place == 1:
        whole, _, tenths = text.partition(".")
        is_read = _is_number(whole) and _is_number(tenths or "0") and len(tenths) < 2
        if is_read and 0.1 <= float(text) <= most:
            return float(text)
        raise ValueError(f"should have from 0.1 to {most:g} deviations in {name}, in tenths")
    if _is_number(text) and 2 <= int(text) <= most:
        return int(text)
    raise ValueError(f"should have from 2 to {most:g} bars in {name}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3


def _check(name: str, values: Sequence[float]) -> None:
    if name == "macd" and values[0] >= values[1]:
        raise ValueError("should have fewer bars first in macd: macd:12:26:9")
