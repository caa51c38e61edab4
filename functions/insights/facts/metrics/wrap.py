"""Wrap of the session: leaders and laggards by name, and industries, after the last bar."""

from collections.abc import Iterator, Sequence

from functions.insights.facts.fact import Fact
from functions.insights.facts.metric import Cast, Story
from functions.insights.facts.metrics.breadth import AVERAGE, DOWN, UP
from functions.insights.facts.metrics.change import DAY
from functions.insights.facts.metrics.industry import INDUSTRY, INDUSTRY_RANK
from functions.insights.facts.metrics.rank import RANK


def _leader_and_laggard(facts: Sequence[Fact]) -> Iterator[Cast]:
    """Yield the cast of the biggest rise and the biggest fall, each with its change."""
    ranks = {fact.direction: fact for fact in facts if RANK.fits(fact) and fact.value == 1}
    changes = {fact.ticker: fact for fact in facts if DAY.fits(fact)}
    up, down = ranks.get("up"), ranks.get("down")
    if up and down:
        yield {"x": changes[up.ticker], "r": up, "y": changes[down.ticker], "s": down}


def _industries(facts: Sequence[Fact]) -> Iterator[Cast]:
    """Yield the cast of the best and the worst industry, where they moved in different directions."""
    best = sorted((fact for fact in facts if INDUSTRY.fits(fact)), key=lambda fact: fact.value)
    if len(best) >= 3 and best[0].value < 0 < best[-1].value:
        ranks = {fact.industry: fact for fact in facts if fact.metric == "industry_rank"}
        if best[0].industry in ranks and best[-1].industry in ranks:
            yield {
                "i": best[-1],
                "r": ranks[best[-1].industry],
                "j": best[0],
                "s": ranks[best[0].industry],
            }


STORIES = (
    Story(
        name="session breadth",
        kind="wrap",
        roles={"u": UP, "d": DOWN, "a": AVERAGE},
        mood=("a",),
        moment="close",
        frames=(
            "{u} {u.ended} and {d} {d.ended}, and the average stock {a.verb} {a} from the previous close",
            "the session closed with {u} {u.above} the previous close, {d} {d.above} it, the average stock {a.way} {a}",
            "the average stock {a.verb} {a} from the previous close as {u} {u.ended} and {d} {d.ended}",
            "at the close {u} were {u.way}, {d} {d.way} and the average stock {a.way} {a} from the previous close",
        ),
    ),
    Story(
        name="leader and laggard",
        kind="wrap",
        roles={"x": DAY, "r": RANK._replace(owner="x"), "y": DAY, "s": RANK._replace(owner="y")},
        mood=("x", "y"),
        moment="close",
        combine=_leader_and_laggard,
        when=lambda cast: (
            cast["r"].value == 1
            and cast["s"].value == 1
            and (cast["x"].direction, cast["y"].direction) == ("up", "down")
        ),
        frames=(
            "{x.name} closed {x.way} {x} from the previous close, {r}, and {y.name} {y.way} {y}, {s}",
            "from the previous close {x.name} {x.verb} {x}, {r}, while {y.name} {y.verb} {y}, {s}",
            "{x.name} had {r} from the previous close, {x.way} {x}, and {y.name} had {s}, {y.way} {y}",
        ),
    ),
    Story(
        name="industries of the session",
        kind="wrap",
        roles={
            "i": INDUSTRY,
            "r": INDUSTRY_RANK._replace(owner="i"),
            "j": INDUSTRY,
            "s": INDUSTRY_RANK._replace(owner="j"),
        },
        mood=("i", "j"),
        moment="close",
        combine=_industries,
        when=lambda cast: (cast["i"].direction, cast["j"].direction) == ("up", "down"),
        frames=(
            "stocks in {i.industry} {i.verb} {i} on average from the previous close, {r}; "
            "stocks in {j.industry} {j.verb} {j}, {s}",
            "on average stocks in {i.industry} closed {i.way} {i}, {r} from the previous close, "
            "and those in {j.industry} {j.way} {j}, {s}",
        ),
    ),
)
