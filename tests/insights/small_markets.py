"""Markets of a few bars whose facts can be checked with a pencil."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from functions.insights.facts.fact import Fact
from functions.insights.facts.hour import Bar, Hour
from functions.insights.facts.registry import fact_table
from shared.calendar.trading import EXCHANGE_ZONE, Session

MONDAY = datetime(2026, 11, 2, 9, 30, tzinfo=EXCHANGE_ZONE)


def trading(count: int, *, short: tuple[int, ...] = ()) -> list[Session]:
    """Return *count* working days from a Monday on; the *short* ones close at 13:00."""
    days = [MONDAY + timedelta(days=7 * (number // 5) + number % 5) for number in range(count)]
    return [
        Session(
            day.date(), day.astimezone(UTC), (day + timedelta(hours=3.5 if number in short else 6.5)).astimezone(UTC)
        )
        for number, day in enumerate(days)
    ]


def bar(
    start: datetime, close: str, *, opening: str | None = None, high: str = "", low: str = "", volume: int = 100
) -> Bar:
    """Return a bar that ranges from its open to its close where nothing else is given."""
    prices = [Decimal(opening or close), Decimal(close)]
    highest, lowest = Decimal(high or max(prices)), Decimal(low or min(prices))
    return Bar(start, prices[0], highest, lowest, prices[1], volume, "test")


def hour_of(bars: dict[str, list[Bar]], sessions: list[Session], start: datetime, **fields: Any) -> Hour:
    """Return the hour at *start* in the last of *sessions*."""
    held = {ticker: {one.start: one for one in some} for ticker, some in bars.items()}
    return Hour(start, sessions[-1], tuple(sessions[:-1]), tuple(sorted(bars)), held, **fields)


def only(hour: Hour, metric: str, basis: str | None = None, ticker: str | None = "A", side: str | None = None) -> Fact:
    """Return the one fact of that kind."""
    [found] = find(hour, metric, basis, ticker, side)
    return found


def find(
    hour: Hour, metric: str, basis: str | None = None, ticker: str | None = "A", side: str | None = None
) -> list[Fact]:
    """Return the facts of that kind."""
    return [
        fact
        for fact in fact_table(hour).values()
        if (fact.metric, fact.ticker) == (metric, ticker)
        and basis in (None, fact.basis)
        and side in (None, fact.direction)
    ]


def two_days() -> tuple[list[Session], list[datetime]]:
    """Return two full sessions and the starts of their bars."""
    sessions = trading(2)
    return sessions, [start for session in sessions for start in session.starts("1h")]


def closes_of(closes: list[str]) -> Hour:
    """Return the closing hour of the last of as many sessions as there are *closes*."""
    sessions = trading(len(closes))
    bars = [bar(list(s.starts("1h"))[-1], close) for s, close in zip(sessions, closes, strict=True)]
    return hour_of({"A": bars}, sessions, bars[-1].start)
