"""Reversal: the day and the time since the open point in opposite directions."""

from decimal import Decimal

from functions.insights.facts.metric import Cast, Story, all_of, larger, opposite_direction
from functions.insights.facts.metrics.change import DAY, SESSION


def _significance(cast: Cast) -> Decimal:
    """Return the sum of the significances of both moves."""
    return cast["x"].significance + cast["d"].significance


_ROLES = {"x": SESSION, "d": DAY}
STORIES = (
    Story(
        name="reversal",
        roles=_ROLES,
        event=True,
        significance=_significance,
        when=all_of(opposite_direction("x", "d"), larger("x", "d")),
        mood=("x",),
        frames=(
            "{S} {x.verb} {x} (from|~since) the open, yet it is {d.way} {d} (since|from) the previous close",
            "{S} {x.verb} {x} (from|~since) the open but is still {d.way} {d} (since|from) the previous close",
            "since the open[,] {S} has {x.part} {x}, which leaves it {d} {d.above} the previous close",
            "{S} is {x.way} {x} since the open and still {d} {d.above} the previous close",
            "{S} turned after the open: it {x.verb} {x} from there and is {d.way} {d} since the previous close",
        ),
        closing_frames=(
            "{S} {x.verb} {x} from open to close but ended {d} {d.above} the previous close",
            "{S} reversed in the session: it {x.verb} {x} from its open and closed {d} {d.above} the previous close",
        ),
    ),
    Story(
        name="partial reversal",
        roles=_ROLES,
        event=True,
        significance=_significance,
        when=all_of(opposite_direction("x", "d"), larger("d", "x")),
        mood=("d",),
        frames=(
            "{S} is {d.way} {d} (since|from) the previous close although it {x.verb} {x} (from|~since) the open",
            "{S} is still {d.way} {d} (since|from) the previous close although it has {x.part} {x} since the open",
            "{S} is {d} {d.above} the previous close but has {x.part} {x} since the open",
            "{S} shows a {d.gain} of {d} since the previous close, though it {x.verb} {x} (from|~since) the open",
            "{S} trades {d} {d.above} the previous close after it {x.verb} {x} (from|~since) the open",
        ),
        closing_frames=(
            "{S} closed {d} {d.above} the previous close although it {x.verb} {x} from its open",
            "{S} ended {d.way} {d} from the previous close, having {x.part} {x} from its open",
        ),
    ),
)
