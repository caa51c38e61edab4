"""Progress of a move: the day's change now beside the day's change one bar earlier."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour, change
from functions.insights.facts.metric import Cast, Metric, Role, Story, all_of, figures_differ, larger, same_direction
from functions.insights.facts.metrics.change import DAY
from functions.insights.facts.metrics.period import PERIOD

EARLIER = Role("earlier_change", "previous_close")


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    for ticker in hour.present:
        old, earlier = hour.bar(ticker, hour.previous_closing), hour.bar(ticker, hour.before)
        if old is None or earlier is None or rounds_to_zero(figure := change(old.close, earlier.close)):
            continue
        bars = source_bars(hour, (ticker,), (old.start, earlier.start), "close")
        yield metric.percent_fact(hour, figure, bars, ticker=ticker)


def _significance(cast: Cast) -> Decimal:
    now, before = cast["x"], cast["e"]
    return now.significance * abs(now.value - before.value) / abs(now.value)


_ROLES = {"x": DAY, "e": EARLIER, "p": PERIOD}
METRICS = (
    Metric(
        name="earlier_change",
        basis="previous_close",
        window="day",
        definition="close of the bar before the newest in the session against the close of the session before",
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="extended",
        roles=_ROLES,
        mood=("x",),
        when=all_of(same_direction("x", "e"), larger("x", "e"), figures_differ("x", "e")),
        significance=_significance,
        frames=(
            "{S} has extended its {x.gain} since the previous close to {x} from {e} before {p}",
            "in {p}[,] {S} extended its {x.gain} since the previous close to {x} from {e}",
            "the {x.gain} of {S} since the previous close grew to {x} from {e} in {p}",
            "{S} is now {x.way} {x} since the previous close, after {e} before {p}",
            "{S} widened its {x.gain} since the previous close in {p} to {x} from {e}",
        ),
    ),
    Story(
        name="pared",
        roles=_ROLES,
        mood=("x",),
        when=all_of(same_direction("x", "e"), larger("e", "x"), figures_differ("x", "e")),
        significance=_significance,
        frames=(
            "{S} has pared its {x.gain} since the previous close to {x} from {e} before {p}",
            "in {p}[,] {S} cut its {x.gain} since the previous close to {x} from {e}",
            "the {x.gain} of {S} since the previous close shrank to {x} from {e} in {p}",
            "{S} has trimmed its {x.gain} since the previous close to {x}, after {e} before {p}",
        ),
    ),
)
