"""Trading range: the session's highest price so far less its lowest, in percent of its first open."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, percent, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Role, Story

RANGE = Role("range", "session_open")


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    for ticker in hour.present:
        bars = hour.all_bars(ticker, hour.so_far)
        if bars is None or not bars[0].open:
            continue
        figure = (max(bar.high for bar in bars) - min(bar.low for bar in bars)) / bars[0].open * 100
        if rounds_to_zero(figure):
            continue
        source = source_bars(hour, (ticker,), hour.so_far, "open", "high", "low")
        significance = figure / hour.usual_moves[ticker] / 3
        yield metric.fact(hour, figure, percent(figure), "percent", source, ticker=ticker, significance=significance)


METRICS = (
    Metric(
        name="range",
        basis="session_open",
        window="session",
        definition="highest high less lowest low of the session so far, in percent of its first open",
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="range",
        roles={"w": RANGE},
        significance=lambda cast: min(cast["w"].significance, Decimal(2)),
        frames=(
            "{S} has (moved|traded) in a range of {w} since the open",
            "since the open[,] {S} has ranged over {w} from its low to its high",
            "the range of {S} since the open spans {w}",
        ),
        closing_frames=(
            "from its low to its high {S} covered {w} in the session",
            "the session in {S} ranged over {w}",
        ),
    ),
)
