"""New highs and lows: this bar's high or low beyond every bar of the 20 sessions before."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, dollars, source_bars
from functions.insights.facts.hour import SESSIONS, Hour
from functions.insights.facts.metric import Metric, Role, Story
from functions.insights.facts.metrics.change import HOUR
from functions.insights.facts.metrics.period import PERIOD

_BASIS = f"{SESSIONS}_sessions"
_SIDES = ("high", "low")


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    if len(hour.recent) < SESSIONS:
        return
    starts = (*hour.history, *hour.so_far[:-1])
    for ticker in hour.present:
        now, others = hour.bars[ticker][hour.start], hour.all_bars(ticker, starts)
        if others is None:
            continue
        value: Decimal = getattr(now, metric.name)
        if metric.name == "high":
            bound = max(bar.high for bar in others)
            beyond = value - bound
        else:
            bound = min(bar.low for bar in others)
            beyond = bound - value
        if beyond <= 0:
            continue
        yield metric.fact(
            hour,
            value,
            f"a {SESSIONS}-session {metric.name} of {dollars(value)}",
            "USD",
            source_bars(hour, (ticker,), starts, metric.name),
            ticker=ticker,
            direction="up" if metric.name == "high" else "down",
            significance=Decimal("1.6") + beyond / bound * 100 / hour.usual_moves[ticker],
        )


METRICS = tuple(
    Metric(
        name=side,
        basis=_BASIS,
        window="hour",
        definition=f"{side} of the newest bar, beyond every bar of its session before it and of the 20 sessions before",
        compute=_compute,
    )
    for side in _SIDES
)
STORIES = tuple(
    Story(
        name=f"new {side}",
        roles={"h": Role(side, _BASIS), "p": PERIOD, **roles},
        mood=("h",),
        event=True,
        significance=lambda cast: cast["h"].significance,
        frames=frames,
    )
    for side in _SIDES
    for roles, frames in (
        (
            {},
            (
                "{S} (hit|reached|set) {h} in {p}",
                "in {p}[,] {S} (hit|reached|set) {h}",
                "{p} brought {h} for {S}",
                "{h} was set by {S} in {p}",
            ),
        ),
    )
) + tuple(
    Story(
        name=f"new {side} with move",
        roles={"h": Role(side, _BASIS), "x": HOUR, "p": PERIOD},
        mood=("h",),
        event=True,
        significance=lambda cast: cast["h"].significance,
        when=lambda cast: cast["h"].direction == cast["x"].direction,
        frames=(
            "{S} {x.verb} {x} in {p} and (hit|reached|set) {h}",
            "{S} (hit|reached|set) {h} in {p}, when it {x.verb} {x}",
            "with a {x.gain} of {x} in {p} {S} (hit|reached) {h}",
        ),
    )
    for side in _SIDES
)
