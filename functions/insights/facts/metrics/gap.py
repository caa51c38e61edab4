"""Gap at the open, and its course during the session."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour, change
from functions.insights.facts.metric import (
    Cast,
    Metric,
    Role,
    Story,
    all_of,
    larger,
    opposite_direction,
    same_direction,
)
from functions.insights.facts.metrics.change import DAY, SESSION

GAP = Role("gap", "previous_close")
_MOVED = Decimal("0.1")
"""Minimum change since the open, in percent, that is stated together with the gap."""


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    for ticker in hour.present:
        old, first = hour.bar(ticker, hour.previous_closing), hour.bar(ticker, hour.session.opens)
        if old is None or first is None or rounds_to_zero(figure := change(old.close, first.open)):
            continue
        bars = source_bars(hour, (ticker,), (old.start, first.start), "open", "close")
        significance = abs(figure) / hour.usual_moves[ticker] * Decimal("1.5")
        yield metric.percent_fact(hour, figure, bars, ticker=ticker, significance=significance)


def _significance(cast: Cast) -> Decimal:
    """Return the significance of the gap, reduced if the price hardly moved after it."""
    return cast["g"].significance if abs(cast["x"].value) >= _MOVED else Decimal("0.1")


_ROLES = {"g": GAP, "x": SESSION, "d": DAY}
METRICS = (
    Metric(
        name="gap",
        basis="previous_close",
        window="open",
        definition="open of the session's first bar against the close of the session before",
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="gap",
        roles={"g": GAP},
        moment="open",
        event=True,
        frames=(
            "{S} opened {g} {g.side} than at the previous close",
            "{S} opened with a gap of {g} {g.above} the previous close",
            "the open brought a gap for {S}, {g} {g.above} the previous close",
        ),
    ),
    Story(
        name="gap extended",
        roles={"g": GAP, "x": SESSION},
        mood=("g",),
        event=True,
        significance=_significance,
        when=same_direction("g", "x"),
        frames=(
            "{S} opened {g} {g.side} than at the previous close and has {x.part} a further {x} from the open",
            "after a gap of {g} {g.above} the previous close[,] {S} {x.verb} another {x} from the open",
            "{S} held its opening gap of {g} {g.above} the previous close and {x.verb} {x} from the open",
        ),
    ),
    Story(
        name="gap narrowed",
        roles=_ROLES,
        mood=("d",),
        event=True,
        significance=_significance,
        when=all_of(same_direction("g", "d"), opposite_direction("g", "x"), larger("g", "x")),
        frames=(
            "{S} opened {g} {g.side} than at the previous close and is still {d} {d.above} it",
            "after an opening gap of {g} {g.above} the previous close[,] {S} is {d} {d.above} it",
            "{S} opened {g} {g.above} the previous close but {x.verb} {x} from the open",
        ),
    ),
    Story(
        name="gap closed",
        roles=_ROLES,
        mood=("d",),
        event=True,
        significance=_significance,
        when=all_of(opposite_direction("g", "d"), opposite_direction("g", "x")),
        frames=(
            "{S} opened {g} {g.above} the previous close, a gap that is gone: it is now {d} {d.above} it",
            "{S} more than closed its opening gap of {g} {g.above} the previous close and is now {d} {d.above} it",
            "an opening gap of {g} {g.above} the previous close did not hold for {S}, which {x.verb} {x} from the open",
        ),
    ),
)
