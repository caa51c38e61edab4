"""Formulas of the indicators: pure functions from bars to one value a bar, None where there are too few bars.

Prices are whole multiples of 1/unit dollars, so that sums of any length are exact; averages that weigh older bars less
are floats. `functions/api/indicators.py` rounds every value to six digits after the point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Values = list[float | None]


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """Bars in columns, in order; prices in 1/unit dollars. *anchors* is equal for bars of one session."""

    unit: int
    high: Sequence[int]
    low: Sequence[int]
    close: Sequence[int]
    volume: Sequence[int | None]
    anchors: Sequence[int]


def simple_average(prices: PriceSeries, length: int) -> Values:
    """Return the mean of the last *length* closes.

    Source: Edwards and Magee, Technical Analysis of Stock Trends, 1948, chapter on moving averages.
    """
    total, values = 0, Values()
    for index, close in enumerate(prices.close):
        total += close - (prices.close[index - length] if index >= length else 0)
        values.append(total / (length * prices.unit) if index >= length - 1 else None)
    return values


def exponential_average(series: Sequence[float], length: int) -> Values:
    """Return the average of *series* that gives the newest value the weight 2 / (length + 1).

    It begins with the mean of the first *length* values, as in TA-Lib. Source: Appel, The Moving Average
    Convergence-Divergence Trading Method, 1979.
    """
    weight = 2 / (length + 1)
    average, values = 0.0, Values()
    for index, value in enumerate(series):
        if index >= length:
            average += (value - average) * weight
        elif index == length - 1:
            average = sum(series[:length]) / length
        values.append(average if index >= length - 1 else None)
    return values


def relative_strength(prices: PriceSeries, length: int) -> Values:
    """Return 100 * rises / (rises + falls) of the closes, both as Wilder's averages of *length* changes.

    50 where no close differs from the one before. Source: Wilder, New Concepts in Technical Trading Systems, 1978,
    section VI.
    """
    changes = [newer - older for older, newer in zip(prices.close, prices.close[1:], strict=False)]
    rises = _wilder([max(change, 0) for change in changes], length)
    falls = _wilder([max(-change, 0) for change in changes], length)
    values = Values([None] if prices.close else [])
    for rise, fall in zip(rises, falls, strict=True):
        if rise is None or fall is None:
            values.append(None)
        else:
            values.append(100 * rise / (rise + fall) if rise + fall else 50.0)
    return values


def true_range_average(prices: PriceSeries, length: int) -> Values:
    """Return Wilder's average of *length* true ranges: the range of a bar and the close before it.

    The first bar has none. Source: Wilder, New Concepts in Technical Trading Systems, 1978, section III.
    """
    ranges = [
        max(high, before) - min(low, before)
        for high, low, before in zip(prices.high[1:], prices.low[1:], prices.close, strict=False)
    ]
    average = [None if value is None else value / prices.unit for value in _wilder(ranges, length)]
    return [*([None] if prices.close else []), *average]


def _wilder(series: Sequence[int], length: int) -> Values:
    """Return the average that moves by 1/length of the way to each value, beginning with the mean of the first ones."""
    average, values = 0.0, Values()
    for index, value in enumerate(series):
        if index >= length:
            average += (value - average) / length
        elif index == length - 1:
            average = sum(series[:length]) / length
        values.append(average if index >= length - 1 else None)
    return values


def macd(prices: PriceSeries, fast: int, slow: int, signal: int) -> tuple[Values, Values, Values]:
    """Return the exponential average of *fast* closes less that of *slow*, its average of *signal*, and the difference.

    The two averages of closes begin at the same bar, as in TA-Lib, each with the mean of the closes up to it. Source:
    Appel, The Moving Average Convergence-Divergence Trading Method, 1979; the difference (histogram): Aspray, 1986.
    """
    closes = [close / prices.unit for close in prices.close]
    late = slow - fast
    shorter = [*[None] * min(late, len(closes)), *exponential_average(closes[late:], fast)]
    both = zip(shorter, exponential_average(closes, slow), strict=True)
    line = [None if short is None or long is None else short - long for short, long in both]
    known = [value for value in line if value is not None]
    average = [*[None] * (len(line) - len(known)), *exponential_average(known, signal)]
    rest = [None if value is None or mean is None else value - mean for value, mean in zip(line, average, strict=True)]
    return line, average, rest


def bands(prices: PriceSeries, length: int, width: float) -> tuple[Values, Values, Values]:
    """Return the mean of *length* closes plus *width* standard deviations, the mean, and the mean less as many.

    The deviation divides by *length*. Source: Bollinger, Bollinger on Bollinger Bands, 2001, chapter 7.
    """
    total, squares = 0, 0
    upper, lower = Values(), Values()
    middle = simple_average(prices, length)
    for index, (close, mean) in enumerate(zip(prices.close, middle, strict=True)):
        old = prices.close[index - length] if index >= length else 0
        total += close - old
        squares += close * close - old * old
        spread = width * sqrt(length * squares - total * total) / (length * prices.unit)
        upper.append(None if mean is None else mean + spread)
        lower.append(None if mean is None else mean - spread)
    return upper, middle, lower


def session_average(prices: PriceSeries) -> Values:
    """Return the price of the session so far, weighted by volume; a bar's price is the mean of high, low and close.

    Once a volume is not known it is None until the next session. Source: Berkowitz, Logue and Noser, The Total Cost of
    Transactions on the NYSE, Journal of Finance 43, 1988; over bars instead of trades.
    """
    anchor: int | None = None
    spent, shares, is_known, values = 0, 0, True, Values()
    for place, high, low, close, volume in zip(
        prices.anchors, prices.high, prices.low, prices.close, prices.volume, strict=True
    ):
        if place != anchor:
            anchor, spent, shares, is_known = place, 0, 0, True
        is_known = is_known and volume is not None
        spent += (high + low + close) * (volume or 0)
        shares += volume or 0
        values.append(spent / (3 * prices.unit * shares) if is_known and shares else None)
    return values
