"""Validation of bars by themselves: prices, volume, time, from values to values, standard library only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Protocol, cast

from functions.store.series_checks import Rejection, find_series_faults
from shared.calendar.clock_search import week_of
from shared.calendar.trading import LENGTHS, TradingCalendar

DERIVED = frozenset({"1d", "1w", "1mo"})
"""Intervals that readers are given from stored hours; a stored copy could contradict them."""

CHEAPEST, DEAREST = Decimal("0.000001"), Decimal(10**8)
"""USD. A price outside is a fault of unit or parsing: the dearest share costs a hundredth of it."""

ZERO, LARGEST_VOLUME = Decimal(), Decimal(2**63 - 1)


class Bar(Protocol):
    """The parts of a bar that validation reads."""

    @property
    def start(self) -> datetime: ...
    @property
    def open(self) -> Decimal | None: ...
    @property
    def high(self) -> Decimal | None: ...
    @property
    def low(self) -> Decimal | None: ...
    @property
    def close(self) -> Decimal | None: ...
    @property
    def volume(self) -> Decimal | None: ...


class ValidBar(Protocol):
    """A valid bar: all prices are present and pass the checks."""

    @property
    def start(self) -> datetime: ...
    @property
    def open(self) -> Decimal: ...
    @property
    def high(self) -> Decimal: ...
    @property
    def low(self) -> Decimal: ...
    @property
    def close(self) -> Decimal: ...
    @property
    def volume(self) -> Decimal | None: ...


class PricedBar(NamedTuple):
    """A bar whose prices are stored without its volume."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None


class RejectedBar(NamedTuple):
    """A bar, or its volume, that is not stored, as it came, and the reason; *start* is None when it is unreadable."""

    ticker: str
    start: datetime | None
    bar: Bar | ValidBar | str
    """Text of a bar that could not be parsed."""
    rejection: Rejection


BarBatch = dict[str, dict[datetime, ValidBar]]
"""The bars of each ticker by their start in UTC, in order; no ticker without a bar."""


def validate_bars(
    bars: Sequence[tuple[str, datetime, Bar]],
    *,
    interval: str,
    fetched_at: datetime,
    market: TradingCalendar,
    tickers: Mapping[str, bool],
) -> tuple[BarBatch, list[RejectedBar]]:
    """Return the valid ones of *bars* (ticker, start in UTC, bar), each start once, and the rejected ones.

    *tickers* maps known tickers to whether they are active. A bar with right prices and a wrong volume is in both.
    """
    valid: BarBatch = {}
    rejected: list[RejectedBar] = []
    wrong_interval = _interval_fault(interval)
    times: dict[datetime, Rejection | None] = {}
    bars_of: dict[str, list[tuple[datetime, Bar]]] = {}
    for ticker, start, bar in bars:
        if start not in times:  # all tickers have the same few
            times[start] = wrong_interval or _time_fault(start, interval, fetched_at, market)
        bars_of.setdefault(ticker, []).append((start, bar))
    weeks: dict[tuple[str, tuple[int, int]], Rejection] = {}
    if not wrong_interval:
        weeks = find_series_faults(
            {ticker: sorted({start for start, _ in some}) for ticker, some in bars_of.items()},
            lambda start: times[start] is not None,
            interval=interval,
            fetched_at=fetched_at,
            market=market,
        )
    for ticker, some in sorted(bars_of.items()):
        unknown = None if tickers.get(ticker) else _ticker_fault(ticker, tickers)
        accepted: dict[datetime, ValidBar] = {}
        for start, bar in some:
            fault = (
                unknown or (weeks.get((ticker, week_of(start))) if weeks else None) or times[start] or check_prices(bar)
            )
            if fault:
                rejected.append(RejectedBar(ticker, start, bar, fault))
                continue
            one = cast("ValidBar", bar)
            if volume_fault := check_volume(one):
                rejected.append(RejectedBar(ticker, start, bar, volume_fault))
                one = PricedBar(one.start, one.open, one.high, one.low, one.close)
            if start in accepted and accepted[start] != one:
                rejected.append(RejectedBar(ticker, start, accepted[start], _CONTRADICTED))
            accepted[start] = one
        if accepted:
            valid[ticker] = {start: accepted[start] for start in sorted(accepted)}
    return valid, rejected


def check_prices(bar: Bar) -> Rejection | None:
    """Return the fault of the prices of *bar*, None if they are plausible."""
    opened, high, low, close = bar.open, bar.high, bar.low, bar.close
    if opened is None or high is None or low is None or close is None:
        return Rejection("price-missing", "A bar needs open, high, low and close.")
    try:
        if not (CHEAPEST <= low <= opened <= high < DEAREST and low <= close <= high):
            return _price_fault(opened, high, low, close)
    except InvalidOperation:  # NaN is neither less nor more
        return Rejection("price-not-a-number", "A price is NaN.")
    return None


def check_volume(bar: ValidBar) -> Rejection | None:
    """Return the fault of the volume of *bar*, None if it is missing or can be a count of shares."""
    volume = bar.volume
    if volume is None:
        return None
    if not volume.is_finite():
        return Rejection("volume-not-a-number", "The volume is NaN or infinite.")
    if not ZERO <= volume <= LARGEST_VOLUME:
        return Rejection("volume-out-of-range", f"The volume is {volume}.")
    if volume != int(volume):
        return Rejection("volume-not-whole", f"The volume is {volume}: shares that were adjusted, or another unit.")
    if not volume and bar.low < bar.high:
        return Rejection("volume-zero", f"The volume is 0 and the price went from {bar.low} to {bar.high}.")
    return None


_OUTSIDE = Rejection("outside-session", "The exchange was closed.")
_CONTRADICTED = Rejection("contradicted", "A later bar of the same answer has the same start and other figures.")


def _price_fault(opened: Decimal, high: Decimal, low: Decimal, close: Decimal) -> Rejection:
    prices = (opened, high, low, close)
    if min(prices) <= 0:
        return Rejection("price-not-positive", f"The lowest price is {min(prices)}.")
    if min(prices) < CHEAPEST or max(prices) >= DEAREST:
        return Rejection("price-absurd", f"The prices lie between {min(prices)} and {max(prices)}.")
    if low > min(prices):
        return Rejection("low-not-lowest", f"The low {low} is above {min(prices)}.")
    return Rejection("high-not-highest", f"The high {high} is below {max(prices)}.")


def _interval_fault(interval: str) -> Rejection | None:
    if interval in LENGTHS:
        return None
    if interval in DERIVED:
        return Rejection("interval-derived", f"{interval} bars are derived from stored hours, never stored.")
    return Rejection("interval-unknown", f"The interval should be one of {', '.join(LENGTHS)}.")


def _ticker_fault(ticker: str, tickers: Mapping[str, bool]) -> Rejection:
    if ticker in tickers:
        return Rejection("ticker-inactive", "The ticker is no longer tracked.")
    return Rejection("ticker-unknown", "The ticker is not tracked.")


def _time_fault(start: datetime, interval: str, fetched_at: datetime, market: TradingCalendar) -> Rejection | None:
    if start >= fetched_at:
        return Rejection("unfinished", "The bar starts after it was fetched.")
    session = market.session_at(start)
    if session is None:
        return _OUTSIDE
    if not session.has_bar_at(interval, start):
        return Rejection(
            "off-grid", f"{interval} bars of this session start on the grid from {session.opens.isoformat()}."
        )
    if session.end(interval, start) > fetched_at:
        return Rejection("unfinished", "The bar ended after it was fetched.")
    return None
