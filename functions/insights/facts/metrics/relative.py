"""Relative move: a stock's change since the previous close less the average of the others, or of its industry."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, direction_of, points, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story, opposite_direction, same_direction
from functions.insights.facts.metrics.breadth import MARKET_AT_LEAST, excluded_tickers
from functions.insights.facts.metrics.change import DAY

_PEERS_AT_LEAST = 2


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    changes, start = hour.day_changes, hour.previous_closing
    total = sum(changes.values(), Decimal())
    for ticker, figure in changes.items():
        if metric.basis == "market":
            others, count = (total - figure), len(changes) - 1
            members = list(changes)
            enough = len(changes) >= MARKET_AT_LEAST
        else:
            industry = hour.industries.get(ticker)
            peers = [other for other in changes if other != ticker and hour.industries.get(other) == industry]
            others, count = sum((changes[other] for other in peers), Decimal()), len(peers)
            members = [*peers, ticker]
            enough = industry is not None and count >= _PEERS_AT_LEAST
        if not enough or start is None or rounds_to_zero(excess := figure - others / count):
            continue
        yield metric.fact(
            hour,
            excess,
            points(excess),
            "percentage points",
            source_bars(hour, members, (start,), "close"),
            ticker=ticker,
            direction=direction_of(excess),
            left_out=excluded_tickers(
                hour, changes, hour.industries.get(ticker) if metric.basis == "industry" else None
            ),
            significance=abs(excess) / hour.usual_moves[ticker] * Decimal("0.8"),
        )


def _significance(cast: Cast) -> Decimal:
    return cast["r"].significance


METRICS = (
    Metric(
        name="relative_change",
        basis="market",
        window="day",
        definition="change since the previous close less the average change of all other tickers, in percentage points",
        compute=_compute,
    ),
    Metric(
        name="relative_change",
        basis="industry",
        window="day",
        definition="change since the previous close less the average of its industry's other tickers (2 at least)",
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="relative to the market",
        roles={"x": DAY, "r": Role("relative_change", "market")},
        mood=("r",),
        when=same_direction("x", "r"),
        significance=_significance,
        frames=(
            "{S} {x.verb} {x} (from|~since) the previous close, {r} {r.ahead} the average of the other stocks",
            "since the previous close {S} is {r} {r.ahead} the average of the other stocks, {x.way} {x}",
            "{S} has moved {r} {r.ahead} the average of the other stocks since the previous close, {x.way} {x}",
        ),
    ),
    Story(
        name="against the market",
        roles={"x": DAY, "r": Role("relative_change", "market")},
        mood=("r",),
        when=opposite_direction("x", "r"),
        significance=_significance,
        frames=(
            "{S} {x.verb} {x} (from|~since) the previous close but is {r} {r.ahead} the average of the other stocks",
            "{S} is {x.way} {x} since the previous close yet {r} {r.ahead} the average of the other stocks",
        ),
    ),
    Story(
        name="relative to the industry",
        roles={"x": DAY, "r": Role("relative_change", "industry")},
        mood=("r",),
        when=same_direction("x", "r"),
        significance=_significance,
        frames=(
            "{S} {x.verb} {x} (from|~since) the previous close, {r} {r.ahead} the average of its industry",
            "since the previous close {S} is {r} {r.ahead} the rest of its industry, {x.way} {x}",
            "{S} is {r} {r.ahead} its industry since the previous close with a {x.gain} of {x}",
        ),
    ),
)
