"""Wrap of the week, after the last bar of its last session: breadth, and the week's leader and laggard."""

from collections.abc import Iterator, Sequence

from functions.insights.facts.fact import Fact
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story
from functions.insights.facts.metrics.breadth import average_facts, breadth_facts
from functions.insights.facts.metrics.periods import WEEK
from functions.insights.facts.metrics.rank import rank_facts

_BASIS = "previous_week_close"
_RANK = Role("rank", _BASIS)


def _breadth(hour: Hour, metric: Metric) -> Iterator[Fact]:
    if hour.ends_week:
        yield from breadth_facts(hour, metric)


def _average(hour: Hour, metric: Metric) -> Iterator[Fact]:
    if hour.ends_week:
        yield from average_facts(hour, metric)


def _rank(hour: Hour, metric: Metric) -> Iterator[Fact]:
    if hour.ends_week:
        yield from rank_facts(hour, metric)


def _leader_and_laggard(facts: Sequence[Fact]) -> Iterator[Cast]:
    """Yield the cast of the week's biggest rise and biggest fall, each with its change."""
    ranks = {fact.direction: fact for fact in facts if _RANK.fits(fact)}
    changes = {fact.ticker: fact for fact in facts if WEEK.fits(fact)}
    up, down = ranks.get("up"), ranks.get("down")
    if up and down and up.ticker in changes and down.ticker in changes:
        yield {"x": changes[up.ticker], "r": up, "y": changes[down.ticker], "s": down}


METRICS = (
    Metric(
        name="breadth",
        basis=_BASIS,
        window="week",
        definition="at a week's close: how many tickers closed above (below) the last close of the week before",
        compute=_breadth,
    ),
    Metric(
        name="market_change",
        basis=_BASIS,
        window="week",
        definition="at a week's close: average of the tickers' changes since the last close of the week before",
        compute=_average,
    ),
    Metric(
        name="rank",
        basis=_BASIS,
        window="week",
        definition="at a week's close: place by size of that change among those of the same direction",
        compute=_rank,
    ),
)
STORIES = (
    Story(
        name="breadth of the week",
        kind="wrap",
        roles={
            "u": Role("breadth", _BASIS, "up"),
            "d": Role("breadth", _BASIS, "down"),
            "a": Role("market_change", _BASIS),
        },
        mood=("a",),
        moment="close",
        frames=(
            "over the week {u} {u.rose} and {d} {d.rose}, and the average stock {a.verb} {a}",
            "the week ended with {u} {u.above} the last close of the week before, {d} {d.above} it and the average "
            "stock {a.way} {a}",
            "the average stock has {a.part} {a} since the end of last week, as {u} {u.stands} and {d} {d.stands}",
        ),
    ),
    Story(
        name="leader and laggard of the week",
        kind="wrap",
        roles={"x": WEEK, "r": _RANK._replace(owner="x"), "y": WEEK, "s": _RANK._replace(owner="y")},
        mood=("x", "y"),
        moment="close",
        combine=_leader_and_laggard,
        when=lambda cast: (cast["x"].direction, cast["y"].direction) == ("up", "down"),
        frames=(
            "since the end of last week {x.name} has {x.part} {x}, {r}, while {y.name} has {y.part} {y}, {s}",
            "{x.name} ended the week {x.way} {x} from the last close of the week before, {r}, "
            "and {y.name} {y.way} {y}, {s}",
            "{x.name} had {r} since the end of last week, {x.way} {x}, and {y.name} had {s}, {y.way} {y}",
        ),
    ),
)
