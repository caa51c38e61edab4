"""Change of one stock's price: since the previous close, in the last hour, since the open."""

from collections.abc import Iterator

from functions.insights.facts.fact import Fact, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Role, Story
from functions.insights.facts.metrics.period import PERIOD

DAY, HOUR, SESSION = (Role("change", basis) for basis in ("previous_close", "previous_bar", "session_open"))


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    field = "close"
    match metric.basis:
        case "previous_close":
            start, changes, scale = hour.previous_closing, hour.day_changes, 1
        case "previous_bar":
            start, changes, scale = hour.before, hour.hour_changes, 2
        case _:
            start, field, scale = hour.session.opens, "open", 1
            changes = hour.changes_since(start, field)
    for ticker, figure in changes.items():
        if start and not rounds_to_zero(figure):
            bars = source_bars(hour, (ticker,), (start,), field, "close")
            significance = abs(figure) / hour.usual_moves[ticker] * scale
            yield metric.percent_fact(hour, figure, bars, ticker=ticker, significance=significance)


METRICS = (
    Metric(
        name="change",
        basis="previous_close",
        window="day",
        definition=("close of the newest against the close of the last bar of the session before, in percent"),
        compute=_compute,
    ),
    Metric(
        name="change",
        basis="previous_bar",
        window="hour",
        definition="close of the newest against the close of the bar before it in the session",
        compute=_compute,
    ),
    Metric(
        name="change",
        basis="session_open",
        window="session",
        definition="close of the newest against the open of its session's first bar",
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="day move",
        roles={"x": DAY},
        frames=(
            "{S} {x.verb} {x} (from|~since) the previous close",
            "{S} is {x.way} {x} (since|from) the previous close",
            "{S} trades {x} {x.above} (its|the) previous close",
            "since the previous close[,] {S} has {x.part} {x}",
            "{S} has {x.part} {x} (since|from) the previous close",
            "{S} shows a {x.gain} of {x} since the previous close",
            "the {x.gain} of {S} since the previous close comes to {x}",
            "at {x} {x.above} the previous close[,] {S} is among the {x.gainers}",
        ),
        closing_frames=(
            "{S} closed {x} {x.side} than the session before",
            "{S} ended the session {x.way} {x} from the previous close",
            "{S} finished {x} {x.above} the previous close",
        ),
    ),
    Story(
        name="hour move",
        roles={"x": HOUR, "p": PERIOD},
        frames=(
            "{S} {x.verb} {x} in {p}",
            "in {p}[,] {S} {x.verb} {x}",
            "{p} left {S} {x} {x.side}",
            "{S} moved {x.way} {x} in {p}",
            "over {p} {S} has {x.part} {x}",
            "{S} is {x} {x.side} than [it was ]before {p}",
            "{p} brought {S} a {x.gain} of {x}",
        ),
    ),
    Story(
        name="session move",
        roles={"x": SESSION},
        frames=(
            "{S} {x.verb} {x} (from|~since) the open",
            "{S} is {x.way} {x} (since|from) the open",
            "since the open[,] {S} has {x.part} {x}",
            "{S} trades {x} {x.above} its opening price",
        ),
        closing_frames=("from open to close[,] {S} {x.verb} {x}", "{S} closed {x} {x.above} its opening price"),
    ),
)
