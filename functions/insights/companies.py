"""Facts about one company's stock at one hour: its moves from close to close, and how it traded."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from statistics import median

from functions.insights.fact import Fact, change, direction_of, percent, rounded, shown_as_nothing
from functions.insights.hour import Hour
from functions.insights.trading import USUAL_AT_LEAST, rests_on, trading_facts

STREAK_AT_LEAST = 3
_DAILY = Decimal("1.2")
"""A usual day's move in percent, where a stock's own is not known."""


def facts_of(hour: Hour, ticker: str) -> Iterator[Fact]:
    """Yield what the stored bars say of *ticker*, which has a bar of this *hour*."""
    usual = usual_move(hour, ticker)
    yield from _changes(hour, ticker, usual)
    for fact in (_gap(hour, ticker, usual), _streak(hour, ticker)):
        if fact is not None:
            yield fact
    yield from trading_facts(hour, ticker, usual)


def usual_move(hour: Hour, ticker: str) -> Decimal:
    """Return the median size of the stock's move from close to close in percent, over the sessions before."""
    closes = [bar.close for start in hour.closings if (bar := hour.bar(ticker, start))]
    moves = [abs(change(old, new)) for new, old in pairwise(closes)]
    return max(median(moves), Decimal("0.2")) if len(moves) >= USUAL_AT_LEAST else _DAILY


def previous_close_change(hour: Hour, ticker: str) -> Decimal | None:
    """Return the unrounded change in percent since the close of the session before, None if a bar is missing."""
    return _since(hour, ticker, hour.closings[0] if hour.closings else None, "close")


def previous_bar_change(hour: Hour, ticker: str) -> Decimal | None:
    """Return the unrounded change in percent since the bar before in this session; the first bar has none."""
    return _since(hour, ticker, hour.before, "close")


def _since(hour: Hour, ticker: str, start: datetime | None, field: str) -> Decimal | None:
    old, new = hour.bar(ticker, start), hour.bar(ticker, hour.start)
    return change(getattr(old, field), new.close) if old and new else None


def _changes(hour: Hour, ticker: str, usual: Decimal) -> Iterator[Fact]:
    yield from _change(hour, ticker, "previous_close", hour.closings[0] if hour.closings else None, usual)
    yield from _change(hour, ticker, "previous_bar", hour.before, usual / 2)
    yield from _change(hour, ticker, "session_open", hour.session.opens, usual)


def _change(hour: Hour, ticker: str, basis: str, start: datetime | None, usual: Decimal) -> Iterator[Fact]:
    field = "open" if basis == "session_open" else "close"
    figure = _since(hour, ticker, start, field)
    if figure is None or start is None or shown_as_nothing(figure):
        return
    yield Fact(
        metric="change",
        ticker=ticker,
        basis=basis,
        value=rounded(figure),
        unit="percent",
        text=percent(figure),
        direction=direction_of(figure),
        rests=rests_on(hour, ticker, (start,), field, "close"),
        weight=abs(figure) / usual,
    )


def _gap(hour: Hour, ticker: str, usual: Decimal) -> Fact | None:
    """Return how far the session opened from the close before it: told in the session's first hour."""
    if hour.before or not hour.closings:
        return None
    old, new = hour.bar(ticker, hour.closings[0]), hour.bar(ticker, hour.start)
    if old is None or new is None or shown_as_nothing(figure := change(old.close, new.open)):
        return None
    return Fact(
        metric="gap",
        ticker=ticker,
        basis="previous_close",
        value=rounded(figure),
        unit="percent",
        text=percent(figure),
        direction=direction_of(figure),
        rests=rests_on(hour, ticker, (hour.closings[0],), "open", "close"),
        weight=abs(figure) / usual,
    )


def _streak(hour: Hour, ticker: str) -> Fact | None:
    """Return for how many sessions, this one so far included, each close was above, or below, the one before."""
    starts = (hour.start, *hour.closings)
    moves: list[bool] = []
    for new_start, old_start in pairwise(starts):
        new, old = hour.bar(ticker, new_start), hour.bar(ticker, old_start)
        if new is None or old is None or new.close == old.close or (moves and moves[-1] != (new.close > old.close)):
            break
        moves.append(new.close > old.close)
    if len(moves) < STREAK_AT_LEAST:
        return None
    # With the close that ended it, where there is one: only that shows that it is no longer.
    starts_told = [start for start in starts[: len(moves) + 2] if hour.bar(ticker, start)]
    return Fact(
        metric="streak",
        ticker=ticker,
        basis="previous_close",
        value=Decimal(len(moves)),
        unit="sessions",
        text=f"{len(moves)} sessions in a row",
        direction="up" if moves[0] else "down",
        rests=rests_on(hour, ticker, starts_told, "close"),
        weight=Decimal(len(moves)) / 2,
    )
