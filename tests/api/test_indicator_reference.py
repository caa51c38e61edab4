"""The formulas of the indicators against TA-Lib, on a million random bars."""

import numpy as np
import pytest
import talib

from functions.api import indicator_formulas as formulas
from functions.api.indicator_formulas import PriceSeries, Values
from functions.api.indicator_requests import Indicator

BARS = 1_000_000
UNIT = 10_000
DIGITS = 6


def random_walk() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Highs, lows and closes of a walk between about 20 and 400 dollars, to four digits."""
    random = np.random.default_rng(20261120)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.001, BARS)) % 1.4), 4)
    high = np.round(close + np.abs(random.normal(0, 0.3, BARS)), 4)
    return high, np.round(close - np.abs(random.normal(0, 0.3, BARS)), 4), close


HIGH, LOW, CLOSE = random_walk()


def units(prices: np.ndarray) -> list[int]:
    """*prices* in whole units."""
    return np.rint(prices * UNIT).astype(int).tolist()


PRICES = PriceSeries(UNIT, units(HIGH), units(LOW), units(CLOSE), [1] * BARS, [0] * BARS)


def assert_equal(values: Values, reference: np.ndarray) -> None:
    """Check that *values* are there where the reference has some, and equal to the digits that the API gives."""
    found = np.array([np.nan if value is None else value for value in values])
    first = int(np.argmin(np.isnan(reference)))
    assert np.isnan(reference[:first]).all()
    assert not np.isnan(found[first:]).any()
    assert np.abs(found[first:] - reference[first:]).max() < 0.5 * 10**-DIGITS


@pytest.mark.parametrize("length", [2, 20, 400])
def test_a_simple_average_is_that_of_the_reference(length: int) -> None:
    """SMA: from the first bar that has enough before it."""
    (values,) = Indicator("sma", (length,)).compute(PRICES)

    assert_equal(values, talib.SMA(CLOSE, length))
    assert values.count(None) == length - 1


@pytest.mark.parametrize("length", [2, 20, 400])
def test_an_exponential_average_is_that_of_the_reference(length: int) -> None:
    """EMA: it begins with a mean, as the reference does."""
    (values,) = Indicator("ema", (length,)).compute(PRICES)

    assert_equal(values, talib.EMA(CLOSE, length))
    assert values.count(None) == length - 1


@pytest.mark.parametrize("length", [2, 14, 200])
def test_oscillators_of_wilder_are_those_of_the_reference(length: int) -> None:
    """RSI and ATR."""
    (strength,) = Indicator("rsi", (length,)).compute(PRICES)
    (ranges,) = Indicator("atr", (length,)).compute(PRICES)

    assert_equal(strength, talib.RSI(CLOSE, length))
    assert_equal(ranges, talib.ATR(HIGH, LOW, CLOSE, length))
    assert strength.count(None) == ranges.count(None) == length


@pytest.mark.parametrize("lengths", [(12, 26, 9), (2, 3, 2), (200, 400, 200)])
def test_macd_is_that_of_the_reference(lengths: tuple[int, int, int]) -> None:
    """MACD, its signal and its histogram."""
    for values, reference in zip(Indicator("macd", lengths).compute(PRICES), talib.MACD(CLOSE, *lengths), strict=True):
        assert_equal(values, reference)


@pytest.mark.parametrize(("length", "width"), [(20, 2), (2, 0.1), (400, 10)])
def test_bands_are_those_of_the_reference(length: int, width: float) -> None:
    """Bollinger bands: upper, middle, lower."""
    reference = talib.BBANDS(CLOSE, length, width, width)
    for values, line in zip(Indicator("bollinger", (length, width)).compute(PRICES), reference, strict=True):
        assert_equal(values, line)


def test_few_bars_have_no_values() -> None:
    """None, one and two bars: as many values, none of them made up; a flat price is neither strong nor weak."""
    for count in range(3):
        few = PriceSeries(1, [5] * count, [3] * count, [4] * count, [0] * count, [0] * count)
        for kind, parameters in (("sma", (3,)), ("ema", (3,)), ("rsi", (3,)), ("atr", (3,)), ("macd", (2, 3, 2)),
                                 ("bollinger", (3, 2)), ("vwap", ())):  # fmt: skip
            for values in Indicator(kind, parameters).compute(few):
                assert values == [None] * count

    flat = PriceSeries(1, [4] * 9, [4] * 9, [4] * 9, [0] * 9, [0] * 9)
    assert formulas.relative_strength(flat, 3)[3:] == [50.0] * 6
    assert formulas.bands(flat, 3, 2)[0][2:] == [4.0] * 7
