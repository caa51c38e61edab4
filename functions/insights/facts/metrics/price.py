"""Prices of the bar itself: its close, its high, its low."""

from collections.abc import Iterator

from functions.insights.facts.fact import Fact, exact_dollars, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Role, Story
from functions.insights.facts.metrics.period import PERIOD

_FIELDS = {"price": "close", "hour_high": "high", "hour_low": "low"}


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    field = _FIELDS[metric.name]
    for ticker in hour.present:
        value = getattr(hour.bars[ticker][hour.start], field)
        yield metric.fact(
            hour, value, exact_dollars(value), "USD", source_bars(hour, (ticker,), (), field), ticker=ticker
        )


METRICS = tuple(
    Metric(name=name, basis=None, window="hour", definition=f"{field} of the bar", compute=_compute)
    for name, field in _FIELDS.items()
)
STORIES = (
    Story(
        name="band",
        roles={"l": Role("hour_low", None), "h": Role("hour_high", None), "p": PERIOD},
        when=lambda cast: cast["l"].value < cast["h"].value,
        frames=(
            "{S} (traded|moved|changed hands) between {l} and {h} in {p}",
            "in {p}[,] {S} (traded|moved) between {l} and {h}",
            "the trades of {S} in {p} were between {l} and {h}",
        ),
    ),
    Story(
        name="price",
        roles={"c": Role("price", None), "p": PERIOD},
        frames=(
            "{S} (stood|traded) at {c} at the end of {p}",
            "{p} ended with {S} at {c}",
        ),
    ),
)
