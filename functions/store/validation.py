"""The rules a bar must obey by itself to be believed: from values to values, standard library only."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Protocol, cast

from shared.calendar.trading import LENGTHS, TradingCalendar

DERIVED = frozenset({"1d", "1w", "1mo"})
"""Intervals that readers are given from stored hours; a stored copy could contradict them."""

CHEAPEST, DEAREST = Decimal("0.000001"), Decimal(10**8)
"""USD. A price outside is a fault of unit or parsing: the dearest share costs a hundredth of it."""

DOUBTFUL = 20
"""So many bars outside sessions, and most of an answer, are no slip but another clock."""

ZERO, LARGEST_VOLUME = Decimal(), Decimal(2**63 - 1)


class Bar(Protocol):
    """What is looked at of a bar."""

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


class Rejection(NamedTuple):
    """Why a bar is not believed: a short stable code, and a sentence with figures for people."""

    reason: str
    detail: str


class ValidBar(Protocol):
    """A bar with all prices, that obeys the rules."""

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


class RejectedBar(NamedTuple):
    """A bar that is not believed, as it came, and why."""

    ticker: str
    bar: Bar | ValidBar
    fault: Rejection


BarBatch = dict[str, dict[datetime, ValidBar]]
"""The bars of each ticker by their start in UTC, in order; no ticker without a bar."""


def split(
    told: Iterable[tuple[str, datetime, Bar]],
    *,
    interval: str,
    fetched_at: datetime,
    market: TradingCalendar,
    tickers: Mapping[str, bool],
) -> tuple[BarBatch, list[RejectedBar]]:
    """Return the believable bars of *told* (ticker, start in UTC, bar), each start once, and the others.

    *tickers* are the known ones: are they active?
    """
    good: BarBatch = {}
    bad: list[RejectedBar] = []
    strange = _interval_fault(interval)
    moments: dict[datetime, Rejection | None] = {}
    for ticker, start, bar in told:
        if start not in moments:  # all tickers have the same few
            moments[start] = strange or _moment_fault(start, interval, fetched_at, market)
        fault = (None if tickers.get(ticker) else _ticker_fault(ticker, tickers)) or moments[start] or check(bar)
        if fault:
            bad.append(RejectedBar(ticker, bar, fault))
            continue
        kept = good.setdefault(ticker, {})
        if start in kept and kept[start] != bar:
            bad.append(RejectedBar(ticker, kept[start], _CONTRADICTED))
        kept[start] = cast("ValidBar", bar)
    bad += _doubt_clocks(good, bad)
    return {ticker: dict(sorted(kept.items())) for ticker, kept in sorted(good.items())}, bad


def check(bar: Bar) -> Rejection | None:
    """Return what is wrong with the figures of *bar*, None when they can be true."""
    opened, high, low, close, volume = bar.open, bar.high, bar.low, bar.close, bar.volume
    if opened is None or high is None or low is None or close is None:
        return Rejection("price-missing", "A bar needs open, high, low and close.")
    try:
        if not (CHEAPEST <= low <= opened <= high < DEAREST and low <= close <= high):
            return _price_fault(opened, high, low, close)
    except InvalidOperation:  # NaN is neither less nor more
        return Rejection("price-not-a-number", "A price is NaN.")
    if volume is None:
        return None
    if not volume.is_finite():
        return Rejection("volume-not-a-number", "The volume is NaN or infinite.")
    if not ZERO <= volume <= LARGEST_VOLUME:
        return Rejection("volume-out-of-range", f"The volume is {volume}.")
    if volume != int(volume):
        return Rejection("volume-not-whole", f"The volume is {volume}: shares that were adjusted, or another unit.")
    return None


def _doubt_clocks(good: BarBatch, bad: Sequence[RejectedBar]) -> list[RejectedBar]:
    """Take from *good* the tickers whose bars mostly lie outside sessions: the others are inside by chance."""
    outside = Counter(one.ticker for one in bad if one.fault is _OUTSIDE)
    doubted = [ticker for ticker, bars in good.items() if outside[ticker] > max(len(bars), DOUBTFUL)]
    return [RejectedBar(ticker, bar, _WRONG_CLOCK) for ticker in doubted for bar in good.pop(ticker).values()]


_OUTSIDE = Rejection("outside-session", "The exchange was closed.")
_WRONG_CLOCK = Rejection("clock-doubtful", "Most bars of this answer lie outside the sessions: its clock is not UTC.")
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
    return Rejection("interval-unknown", f"StoredBar are {', '.join(LENGTHS)}.")


def _ticker_fault(ticker: str, tickers: Mapping[str, bool]) -> Rejection:
    if ticker in tickers:
        return Rejection("ticker-inactive", "The ticker is no longer tracked.")
    return Rejection("ticker-unknown", "The ticker is not tracked.")


def _moment_fault(start: datetime, interval: str, fetched_at: datetime, market: TradingCalendar) -> Rejection | None:
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
