"""Facts about all stocks together at one hour: how many rose, the average move, and who is first among them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from functions.insights.companies import previous_bar_change, previous_close_change
from functions.insights.fact import (
    Direction,
    Fact,
    Rests,
    direction_of,
    ordered,
    percent,
    place,
    rounded,
    shown_as_nothing,
)
from functions.insights.hour import Hour

MARKET_AT_LEAST = 5
"""Stocks that must have moved or not, before anything is said of the market."""
RANKS = {"previous_close": 3, "previous_bar": 1}
"""How many on either side are ranked, by basis."""


def market_facts(hour: Hour) -> Iterator[Fact]:
    """Yield what the stored bars say of the market: of all tickers that have the bars it takes."""
    for basis, figure_of, against in (
        ("previous_close", previous_close_change, hour.closings[0] if hour.closings else None),
        ("previous_bar", previous_bar_change, hour.before),
    ):
        changes = {ticker: figure for ticker in hour.present if (figure := figure_of(hour, ticker)) is not None}
        if against is None or len(changes) < MARKET_AT_LEAST:
            continue
        rests = Rests(tickers=ordered(list(changes)), starts=(against, hour.start), end=hour.end, fields=("close",))
        yield from _breadth(basis, changes, rests)
        yield from _average(basis, changes, rests)
        yield from _ranks(basis, changes, rests)


def _breadth(basis: str, changes: Mapping[str, Decimal], rests: Rests) -> Iterator[Fact]:
    """Yield how many rose and how many fell; none is not told."""
    for side in ("up", "down"):
        count = sum(direction_of(figure) == side for figure in changes.values())
        if count:
            yield Fact(
                metric="breadth",
                ticker=None,
                basis=basis,
                value=Decimal(count),
                unit="stocks",
                text=f"{count} of {len(changes)} stocks",
                direction=side,
                rests=rests,
                weight=Decimal(count) / len(changes) * 4 - 1,
            )


def _average(basis: str, changes: Mapping[str, Decimal], rests: Rests) -> Iterator[Fact]:
    """Yield the average change, every stock counting the same."""
    figure = sum(changes.values(), Decimal()) / len(changes)
    if not shown_as_nothing(figure):
        yield Fact(
            metric="market_change",
            ticker=None,
            basis=basis,
            value=rounded(figure),
            unit="percent",
            text=percent(figure),
            direction=direction_of(figure),
            rests=rests,
            weight=abs(figure) * 2,
        )


def _ranks(basis: str, changes: Mapping[str, Decimal], rests: Rests) -> Iterator[Fact]:
    """Yield who moved most up and most down; who shares a place has none."""
    for side in ("up", "down"):
        movers = {ticker: abs(figure) for ticker, figure in changes.items() if direction_of(figure) == side}
        for ticker, size in movers.items():
            number = 1 + sum(other > size for other in movers.values())
            shared = sum(other == size for other in movers.values()) > 1
            if number <= RANKS[basis] and not shared and not shown_as_nothing(size):
                yield _rank(basis, side, ticker, number, len(changes), rests)


def _rank(basis: str, side: Direction, ticker: str, number: int, among: int, rests: Rests) -> Fact:
    what = "rise" if side == "up" else "fall"
    return Fact(
        metric="rank",
        ticker=ticker,
        basis=basis,
        value=Decimal(number),
        unit="place",
        text=f"the {place(number)}biggest {what} among {among} stocks",
        direction=side,
        rests=rests,
        weight=Decimal(4 - number),
    )
