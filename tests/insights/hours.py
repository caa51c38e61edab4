"""Hours for tests of the grammar: a market by chance, the same every time, with every metric in it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

from functions.insights.facts.hour import Bar, EarlierVersion, Hour, SplitRatio
from functions.insights.facts.registry import FactTable, fact_table
from shared.calendar.trading import EXCHANGE_ZONE, Session
from tests.insights_harness import random_walk

INDUSTRIES = {
    **dict.fromkeys(("AAPL", "ACN", "ORCL"), "Technology"),
    **dict.fromkeys(("AMD", "AVGO", "INTC"), "Semiconductors"),
    **dict.fromkeys(("BAC", "JPM", "WFC"), "Banking"),
    **dict.fromkeys(("COST", "HD", "WMT"), "Retail"),
}
TICKERS = tuple(sorted(INDUSTRIES))
SESSIONS = 24


@cache
def market_hour(place: int = 3, seed: int = 1) -> Hour:
    """Return the bar number *place* of a session after 23 others, of twelve stocks in four industries."""
    monday = datetime(2026, 10, 19, 9, 30, tzinfo=EXCHANGE_ZONE)
    days = [monday + timedelta(days=7 * (number // 5) + number % 5) for number in range(SESSIONS)]
    sessions = [Session(day.date(), day.astimezone(UTC), (day + timedelta(hours=6.5)).astimezone(UTC)) for day in days]
    starts = [start for session in sessions for start in session.starts("1h")]
    bars: dict[str, dict[datetime, Bar]] = {ticker: {} for ticker in TICKERS}
    for ticker, _, start, *values, source, _, _ in random_walk(TICKERS, starts, seed):
        bars[f"{ticker}"][start] = Bar(start, *values, source)  # pyright: ignore
    start = starts[7 * (SESSIONS - 1) + place]
    opening = bars["JPM"][sessions[-1].opens]
    revisions = {"JPM": {opening.start: EarlierVersion(opening._replace(close=opening.close * 2), start)}}
    splits = {"HD": SplitRatio(Decimal(10), Decimal(1))}
    next_week = sessions[-1].date + timedelta(days=7)
    return Hour(start, sessions[-1], tuple(sessions[:-1]), TICKERS, bars, INDUSTRIES, next_week, revisions, splits)


@cache
def market_facts(place: int = 3, seed: int = 1) -> FactTable:
    """Return the facts of that hour."""
    return fact_table(market_hour(place, seed))
