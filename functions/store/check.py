"""The rules a bar must obey by itself to be believed: from values to values, standard library only."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from shared.market import LENGTHS, Market

DERIVED = frozenset({"1d", "1w", "1mo"})
"""Intervals that readers are given from stored hours; a stored copy could contradict them."""

CHEAPEST, DEAREST = Decimal("0.000001"), Decimal(10**8)
"""USD. A price outside is a fault of unit or parsing: the dearest share costs a hundredth of it."""

LARGEST_VOLUME = 2**63 - 1


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


class Series(Protocol):
    """The bars that a source gave for one ticker."""

    @property
    def ticker(self) -> str: ...
    @property
    def bars(self) -> Sequence[Bar]: ...


class Fault(NamedTuple):
    """Why a bar is not believed: a short stable code, and a sentence with figures for people."""

    reason: str
    detail: str


class Good(NamedTuple):
    """A bar that obeys the rules."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None


class Bad(NamedTuple):
    """A bar that does not, as it came, and why."""

    ticker: str
    bar: Bar | Good
    fault: Fault


def sift(
    series: Iterable[Series],
    *,
    interval: str,
    fetched_at: datetime,
    market: Market,
    active: Collection[str],
    inactive: Collection[str],
) -> tuple[dict[str, list[Good]], list[Bad]]:
    """Return the believable bars of each ticker by start, each start once, and the others in the order they came."""
    good: dict[str, dict[datetime, tuple[Good, Bar]]] = {}
    bad: list[Bad] = []
    moments: dict[datetime, Fault | None] = {}
    for one in series:
        stranger = _interval_fault(interval) or _ticker_fault(one.ticker, active, inactive)
        if stranger:
            bad += [Bad(one.ticker, bar, stranger) for bar in one.bars]
            continue
        kept = good.setdefault(one.ticker, {})
        for bar in one.bars:
            start = bar.start
            if start not in moments:  # all tickers have the same few
                moments[start] = _moment_fault(start, interval, fetched_at, market)
            checked = moments[start] or check(bar)
            if isinstance(checked, Fault):
                bad.append(Bad(one.ticker, bar, checked))
                continue
            if start in kept and kept[start][0] != checked:
                bad.append(Bad(one.ticker, kept[start][1], _CONTRADICTED))
            kept[start] = checked, bar
    return {ticker: [kept[start][0] for start in sorted(kept)] for ticker, kept in good.items() if kept}, bad


def check(bar: Bar) -> Good | Fault:
    """Return *bar* if its figures can be true, else what is wrong with them."""
    opened, high, low, close = bar.open, bar.high, bar.low, bar.close
    if opened is None or high is None or low is None or close is None:
        return Fault("price-missing", "A bar needs open, high, low and close.")
    if not (opened.is_finite() and high.is_finite() and low.is_finite() and close.is_finite()):
        return Fault("price-not-a-number", "A price is NaN or infinite.")
    if not (CHEAPEST <= low <= opened <= high < DEAREST and low <= close <= high):
        return _price_fault(opened, high, low, close)
    volume = bar.volume
    if volume is None:
        return Good(bar.start, opened, high, low, close, None)
    if not volume.is_finite():
        return Fault("volume-not-a-number", "The volume is NaN or infinite.")
    if not 0 <= volume <= LARGEST_VOLUME:
        return Fault("volume-out-of-range", f"The volume is {volume}.")
    whole = int(volume)
    if whole != volume:
        return Fault("volume-not-whole", f"The volume is {volume}: shares that were adjusted, or another unit.")
    return Good(bar.start, opened, high, low, close, whole)


_CONTRADICTED = Fault("contradicted", "A later bar of the same answer has the same start and other figures.")


def _price_fault(opened: Decimal, high: Decimal, low: Decimal, close: Decimal) -> Fault:
    prices = (opened, high, low, close)
    if min(prices) <= 0:
        return Fault("price-not-positive", f"The lowest price is {min(prices)}.")
    if min(prices) < CHEAPEST or max(prices) >= DEAREST:
        return Fault("price-absurd", f"The prices lie between {min(prices)} and {max(prices)}.")
    if low > min(prices):
        return Fault("low-not-lowest", f"The low {low} is above {min(prices)}.")
    return Fault("high-not-highest", f"The high {high} is below {max(prices)}.")


def _interval_fault(interval: str) -> Fault | None:
    if interval in LENGTHS:
        return None
    if interval in DERIVED:
        return Fault("interval-derived", f"{interval} bars are derived from stored hours, never stored.")
    return Fault("interval-unknown", f"Stored are {', '.join(LENGTHS)}.")


def _ticker_fault(ticker: str, active: Collection[str], inactive: Collection[str]) -> Fault | None:
    if ticker in active:
        return None
    if ticker in inactive:
        return Fault("ticker-inactive", "The ticker is no longer tracked.")
    return Fault("ticker-unknown", "The ticker is not tracked.")


def _moment_fault(start: datetime, interval: str, fetched_at: datetime, market: Market) -> Fault | None:
    if start >= fetched_at:
        return Fault("unfinished", "The bar starts after it was fetched.")
    session = market.session_at(start)
    if session is None:
        return Fault("outside-session", "The exchange was closed.")
    if not session.holds(interval, start):
        return Fault("off-grid", f"{interval} bars of this session start on the grid from {session.opens.isoformat()}.")
    if session.end(interval, start) > fetched_at:
        return Fault("unfinished", "The bar ended after it was fetched.")
    return None
