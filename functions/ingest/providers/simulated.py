"""Simulated market, for use without a key: an hour of a ticker has the same bar in every window.

There is no walk from a start: each session is computed from its date alone. A price level is a Brownian bridge, found
by halving, between two points a year apart, one for the market and one for the ticker; a session is a bridge between
its open and its close. Randomness comes from hashes, and only operations that IEEE 754 makes exact are used, so that
every machine computes the same prices.
"""

import struct
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from math import sqrt
from typing import NamedTuple

from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import FetchResult
from functions.ingest.settings import Providers
from shared.calendar.trading import LENGTHS, Session, TradingCalendar
from shared.events.types import Bar

NAME = "simulated"


class TickerTraits(NamedTuple):
    """Traits of a simulated ticker: usual price in USD, daily volatility, shares traded per day."""

    price: float
    volatility: float
    volume: float


# Usual price in USD, daily volatility in percent, million shares a day: round figures, so that it looks familiar.
_KNOWN = {
    "AAPL": (254, 1.5, 48), "ABBV": (217, 1.3, 6), "ABT": (103, 1.2, 6), "ACN": (198, 1.6, 4), "ADBE": (243, 1.9, 4),
    "AMD": (204, 2.5, 45), "AMZN": (208, 1.8, 42), "AVGO": (309, 2.4, 22), "BA": (199, 1.9, 8), "BAC": (48.75, 1.5, 36),
    "BRK.A": (715_000, 1.0, 0.0006), "CAT": (708, 1.7, 3), "CMCSA": (28.6, 1.5, 24), "COST": (995, 1.2, 2),
    "CRM": (187, 1.9, 8), "CSCO": (77.5, 1.3, 20), "CVX": (207, 1.4, 8), "DHR": (189, 1.5, 4), "DIS": (96.6, 1.5, 10),
    "GOOGL": (288, 1.7, 34), "HD": (329, 1.3, 4), "INTC": (44, 2.5, 80), "INTU": (433, 1.8, 2), "JNJ": (244, 1.0, 8),
    "JPM": (294, 1.4, 9), "KO": (76, 1.0, 15), "LLY": (921, 1.9, 3), "MA": (499, 1.2, 3), "MCD": (310, 1.0, 3),
    "META": (571, 2.0, 14), "MRK": (120, 1.4, 10), "MS": (165, 1.7, 6), "MSFT": (370, 1.4, 22), "NFLX": (96.2, 1.9, 38),
    "NKE": (52.8, 2.0, 14), "NVDA": (174, 2.3, 180), "ORCL": (147, 2.3, 18), "PEP": (155, 1.1, 7),
    "PFE": (28.1, 1.3, 42), "PG": (145, 1.0, 8), "PM": (165, 1.2, 5), "TMO": (491, 1.6, 2), "TSLA": (372, 2.5, 78),
    "TXN": (194, 1.8, 7), "UNH": (270, 2.0, 9), "UPS": (98.3, 1.6, 6), "V": (302, 1.2, 6), "WFC": (79.6, 1.6, 15),
    "WMT": (124, 1.2, 18), "XOM": (170, 1.4, 16),
}  # fmt: skip

_YEAR = 256
"""Business days between the fixed points of a bridge: a power of two, so that halving ends."""
_YEARLY = 0.12
_MARKET_VOLATILITY = 0.009
_QUARTER = 63


def ticker_traits(ticker: str) -> TickerTraits:
    """Return the traits of *ticker*; those of an unknown one are computed from its name."""
    if ticker in _KNOWN:
        price, percent, millions = _KNOWN[ticker]
        return TickerTraits(price, percent / 100, millions * 1e6)
    chance = _normals(ticker, "character")
    return TickerTraits(90 * _grow(0.5 * chance[0]), 0.017 + 0.003 * chance[1], 6e6 * _grow(0.6 * chance[2]))


def bars(ticker: str, interval: str, sessions: Sequence[Session], start: datetime, end: datetime) -> list[Bar]:
    """Return the bars of *ticker* in *sessions* that start in [start, end), in order."""
    return [
        bar
        for session in sessions
        if session.closes > start and session.opens < end
        for bar in session_bars(ticker, interval, session)
        if start <= bar.start < end
    ]


def session_bars(ticker: str, interval: str, session: Session) -> list[Bar]:
    """Return all bars of one session. Each opens where the one before closed."""
    of = ticker_traits(ticker)
    opening, closing, activity = _open_and_close(ticker, of, session.date)
    length = (session.closes - session.opens).total_seconds()
    starts = list(session.starts(interval))
    times = [(start - session.opens).total_seconds() / length for start in starts] + [1.0]
    # On a day like others the path inside the session wanders about as far as the day does.
    spread = of.volatility * 0.8 * sqrt(min(LENGTHS[interval].total_seconds() / length, 1.0))

    day = session.date.isoformat()
    chances = [_normals(ticker, f"{day}/{interval}/{index}") for index in range(len(starts))]
    steps = [
        spread * (0.5 * _market_step(day, interval, index) + 0.866 * chance[0]) for index, chance in enumerate(chances)
    ]
    drift = closing - opening - sum(steps)
    path, level = [opening], opening
    for index, step in enumerate(steps):
        level += step
        path.append(level + drift * times[index + 1])

    points = [_cents(of.price * _grow(level)) for level in path]
    found: list[Bar] = []
    for index, (start, chance) in enumerate(zip(starts, chances, strict=True)):
        first, last = points[index], points[index + 1]
        high = _cents(max(first, last) / 100 * (1 + 0.35 * spread * abs(chance[1])))
        low = _cents(min(first, last) / 100 * (1 - 0.35 * spread * abs(chance[2])))
        found.append(
            Bar(
                start=start,
                open=_price(first),
                high=_price(max(high, first, last)),
                low=_price(max(min(low, first, last), 1)),
                close=_price(last),
                volume=Decimal(_volume(of, times[index], times[index + 1], activity, chance[3])),
            )
        )
    return found


def _open_and_close(ticker: str, of: TickerTraits, day: date) -> tuple[float, float, float]:
    """Return a session's open and close as logarithms over the usual price, and the activity of the day (1: usual)."""
    number = _business_day(day)
    before, after = _level(ticker, of, number - 1), _level(ticker, of, number)
    report, faded = _reports(ticker, of, number), _reports(ticker, of, number - 1)
    gap = 0.3 * (after - before) + 0.2 * of.volatility * _normals(ticker, f"{number}/gap")[0]
    # Results are reported overnight: what they change is in the open.
    activity = 1 + 0.4 * min(abs(after + report - before - faded) / of.volatility, 4)
    return before + report + gap, after + report, activity


def _level(ticker: str, of: TickerTraits, number: int) -> float:
    """Return where the ticker stands on business day *number*: the market's part and its own."""
    # With these shares two tickers move together by a third, as they do on ordinary days.
    market, own = 0.6 * of.volatility / _MARKET_VOLATILITY, 0.8 * of.volatility
    return market * _bridge("market", number, _MARKET_VOLATILITY, 0.05) + _bridge(ticker, number, own, _YEARLY)


@lru_cache(1 << 14)
def _bridge(name: str, number: int, daily: float, yearly: float) -> float:
    """Return the point at *number* of a path with steps of standard deviation *daily* through yearly fixed points."""
    low = number - number % _YEAR
    high = low + _YEAR
    left, right = yearly * _normals(name, f"{low}")[0], yearly * _normals(name, f"{high}")[0]
    while number not in (low, high):
        middle = (low + high) // 2
        point = (left + right) / 2 + daily * sqrt((high - low) / 4) * _normals(name, f"{middle}")[0]
        if number < middle:
            high, right = middle, point
        else:
            low, left = middle, point
    return left if number == low else right


def _reports(ticker: str, of: TickerTraits, number: int) -> float:
    """Return the effect of the ticker's quarterly results on its price: a step of 2 to 5 usual days that fades."""
    total = 0.0
    for quarter in (number // _QUARTER, number // _QUARTER - 1):
        chance = _normals(ticker, f"report/{quarter}")
        reported = quarter * _QUARTER + int((chance[0] + 3.5) / 7 * _QUARTER)
        if 0 <= number - reported < _QUARTER:
            size = of.volatility * (2 + min(abs(chance[1]), 3))
            total += (size if chance[2] > 0 else -size) * (1 - (number - reported) / _QUARTER)
    return total


@lru_cache(1 << 14)
def _market_step(day: str, interval: str, index: int) -> float:
    return _normals("market", f"{day}/{interval}/{index}")[0]


def _volume(of: TickerTraits, since: float, until: float, activity: float, chance: float) -> int:
    """Return shares traded between two fractions of a session: most at its ends."""
    middle = since + until - 1
    share = (until - since) * (0.6 + 1.2 * middle * middle)
    return max(int(of.volume * share * activity * _grow(0.25 * chance)), 1)


def _business_day(day: date) -> int:
    """Return the number of a weekday, without weekends; holidays count, so that no calendar is needed."""
    weeks, weekday = divmod(day.toordinal() - 1, 7)
    return weeks * 5 + min(weekday, 4)


def _normals(*name: str) -> tuple[float, float, float, float]:
    """Return four numbers that look drawn from a normal distribution, always the same for *name*; none beyond 3.5."""
    words = struct.unpack("<16H", blake2b("\0".join(name).encode(), digest_size=32).digest())
    # The sum of four uniform numbers has a variance of a third.
    a, b, c, d = (1.7320508 * (sum(words[i : i + 4]) / 65536 - 2) for i in (0, 4, 8, 12))
    return a, b, c, d


def _grow(logarithm: float) -> float:
    """Return e to the *logarithm*, closely, by multiplication alone."""
    factor = 1 + logarithm / 1024
    for _ in range(10):
        factor *= factor
    return factor


def _cents(price: float) -> int:
    return max(int(price * 100 + 0.5), 1)


def _price(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


class Simulated:
    """The simulated market as a provider, without a budget."""

    name = NAME

    def __init__(self, _: Providers) -> None:
        pass

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:
        """Serve all *asks*."""
        return FetchResult({ask: bars(ask.ticker, interval, market.sessions, ask.start, ask.end) for ask in asks})


PROVIDER = Simulated
