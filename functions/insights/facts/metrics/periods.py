"""Change of one stock since the end of last week, month and year, as far as the stored bars reach."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story
from functions.insights.facts.metrics.breadth import changes_by_basis

WEEK = Role("change", "previous_week_close")
_SESSIONS = {"week": 5, "month": 21, "year": 252}


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    start, changes = changes_by_basis(hour, metric.basis)
    if start is None or start == hour.previous_closing:
        return
    scale = Decimal(_SESSIONS[metric.window]).sqrt()
    for ticker, figure in changes.items():
        if not rounds_to_zero(figure):
            significance = abs(figure) / (hour.usual_moves[ticker] * scale)
            bars = source_bars(hour, (ticker,), (start,), "close")
            yield metric.percent_fact(hour, figure, bars, ticker=ticker, significance=significance)


def _significance(cast: Cast) -> Decimal:
    return cast["x"].significance * Decimal("0.6")


METRICS = tuple(
    Metric(
        name="change",
        basis=f"previous_{period}_close",
        window=period,
        definition=f"close of the newest against the close of the last bar of the {period} before",
        compute=_compute,
    )
    for period in ("week", "month", "year")
)
STORIES = tuple(
    Story(
        name=f"{period} move",
        roles={"x": Role("change", f"previous_{period}_close")},
        significance=_significance,
        frames=(
            "{S} has {x.part} {x} since the end of last " + period,
            "since the end of last " + period + "[,] {S} is {x.way} {x}",
            "{S} trades {x} {x.above} its last close of last " + period,
        ),
        closing_frames=("{S} closed {x} {x.above} its last close of last " + period,),
    )
    for period in ("week", "month", "year")
)
