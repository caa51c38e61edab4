"""Length of the hour's bar, in words: the last one of a session may be shorter."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Role

PERIOD = Role("period", None)
_TEXTS = {60: "the last hour", 30: "the last 30 minutes"}


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    minutes = int((hour.end - hour.start).total_seconds()) // 60
    bars = source_bars(hour, hour.present[:1], ())
    yield metric.fact(hour, Decimal(minutes), _TEXTS.get(minutes, f"the last {minutes} minutes"), "minutes", bars)


METRICS = (
    Metric(
        name="period",
        basis=None,
        window="hour",
        definition="minutes from the start of the bar to its end",
        compute=_compute,
    ),
)
