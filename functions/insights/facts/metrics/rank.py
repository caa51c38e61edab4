"""Rank of a stock's change among all: since the previous close, in the hour."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, Window, direction_of, ordinal, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story
from functions.insights.facts.metrics.breadth import MARKET_AT_LEAST, changes_by_basis, excluded_tickers, rank_base
from functions.insights.facts.metrics.change import DAY, HOUR
from functions.insights.facts.metrics.period import PERIOD

RANK = Role("rank", "previous_close")
_RANKS = {"previous_close": 3, "previous_bar": 1, "previous_week_close": 1}
"""Number of ranked tickers on either side, by basis."""


def rank_facts(hour: Hour, metric: Metric) -> Iterator[Fact]:
    """Yield the places of the largest rises and falls from the price that *metric* counts from."""
    start, changes = changes_by_basis(hour, metric.basis)
    if start is None or len(changes) < MARKET_AT_LEAST:
        return
    bars = source_bars(hour, changes, (start,), "close")
    for side, noun in (("up", "rise"), ("down", "fall")):
        movers = {ticker: abs(figure) for ticker, figure in changes.items() if direction_of(figure) == side}
        for ticker, size in movers.items():
            number = 1 + sum(other > size for other in movers.values())
            tied = sum(other == size for other in movers.values()) > 1
            if number > _RANKS[metric.basis or ""] or tied or rounds_to_zero(size):
                continue
            yield metric.fact(
                hour,
                Decimal(number),
                f"the {ordinal(number)}biggest {noun} among {rank_base(hour, changes)}",
                "place",
                bars,
                ticker=ticker,
                direction=side,
                left_out=excluded_tickers(hour, changes),
            )


def _significance(cast: Cast) -> Decimal:
    return cast["x"].significance + Decimal(4 - cast["r"].value) / 4


_PLACE = "place by size of the change since the {} among those of the same direction; tied tickers have no rank"
_BASES: tuple[tuple[str, Window, str], ...] = (
    ("previous_close", "day", "close of the session before"),
    ("previous_bar", "hour", "bar before in the session"),
)
METRICS = tuple(
    Metric(name="rank", basis=basis, window=window, definition=_PLACE.format(text), compute=rank_facts)
    for basis, window, text in _BASES
)
STORIES = (
    Story(
        name="rank",
        roles={"x": DAY, "r": RANK},
        significance=_significance,
        frames=(
            "{S} {x.verb} {x} (from|~since) the previous close, {r}",
            "{r} since the previous close belongs to {S}, which has {x.part} {x}",
            "with a {x.gain} of {x} since the previous close[,] {S} has {r}",
            "{S} is {x.way} {x} since the previous close, which is {r}",
            "{r} since the previous close is that of {S}, {x.way} {x}",
            "at {x} {x.above} the previous close[,] {S} shows {r}",
        ),
    ),
    Story(
        name="hour rank",
        roles={"x": HOUR, "r": Role("rank", "previous_bar"), "p": PERIOD},
        significance=_significance,
        frames=(
            "{S} {x.verb} {x} in {p}, {r}",
            "{r} in {p} belongs to {S}, which {x.verb} {x}",
            "with a {x.gain} of {x} in {p}[,] {S} had {r}",
            "in {p} {S} had {r}, {x.way} {x}",
        ),
    ),
)
