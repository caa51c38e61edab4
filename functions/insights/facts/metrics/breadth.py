"""Market breadth and average: how many stocks rose or fell, and the average change."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from functions.insights.facts.fact import Fact, direction_of, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Role, Story, opposite_direction, same_direction
from functions.insights.facts.metrics.period import PERIOD

MARKET_AT_LEAST = 5
"""Stocks that a figure of the market needs."""
AVERAGE, HOUR_AVERAGE = Role("market_change", "previous_close"), Role("market_change", "previous_bar")
UP, DOWN = Role("breadth", "previous_close", "up"), Role("breadth", "previous_close", "down")
_HOUR_UP, _HOUR_DOWN = Role("breadth", "previous_bar", "up"), Role("breadth", "previous_bar", "down")


def changes_by_basis(hour: Hour, basis: str | None) -> tuple[datetime | None, Mapping[str, Decimal]]:
    """Return the bar that changes are counted from, and the changes of all tickers that have it."""
    if basis == "previous_close":
        return hour.previous_closing, hour.day_changes
    if basis == "previous_bar":
        return hour.before, hour.hour_changes
    period = (basis or "").removeprefix("previous_").removesuffix("_close")
    start = hour.period_closing(period)
    return start, hour.changes_since(start)


def excluded_tickers(hour: Hour, tickers: Mapping[str, object], industry: str | None = None) -> tuple[str, ...]:
    """Return the tracked tickers that a figure of the market, or of one *industry*, leaves out."""
    tracked = {*hour.tickers, *hour.on_two_scales} - set(tickers)
    return tuple(sorted(one for one in tracked if industry in (None, hour.industries.get(one))))


def rank_base(hour: Hour, tickers: Mapping[str, object]) -> str:
    """Return how many of the tracked stocks a rank is among."""
    count, tracked = len(tickers), hour.tracked
    return f"{count} stocks" if count == tracked else f"{count} of {tracked} stocks"


def breadth_facts(hour: Hour, metric: Metric) -> Iterator[Fact]:
    """Yield the numbers of stocks above and below the price that *metric* counts from."""
    start, changes = changes_by_basis(hour, metric.basis)
    if start is None or len(changes) < MARKET_AT_LEAST:
        return
    tracked = "" if len(changes) == hour.tracked else f" ({hour.tracked} tracked)"
    for side in ("up", "down"):
        count = sum(direction_of(figure) == side for figure in changes.values())
        if not count:
            continue
        yield metric.fact(
            hour,
            Decimal(count),
            f"{count} of {len(changes)} stocks{tracked}",
            "stocks",
            source_bars(hour, changes, (start,), "close"),
            direction=side,
            left_out=excluded_tickers(hour, changes),
            significance=abs(Decimal(count) / len(changes) * 4 - 2),
        )


def average_facts(hour: Hour, metric: Metric) -> Iterator[Fact]:
    """Yield the average change from the price that *metric* counts from."""
    start, changes = changes_by_basis(hour, metric.basis)
    if start is None or len(changes) < MARKET_AT_LEAST:
        return
    figure = sum(changes.values(), Decimal()) / len(changes)
    if not rounds_to_zero(figure):
        bars = source_bars(hour, changes, (start,), "close")
        significance = abs(figure) * (2 if metric.basis == "previous_close" else 3)
        yield metric.percent_fact(
            hour, figure, bars, left_out=excluded_tickers(hour, changes), significance=significance
        )


_COUNT = "how many tickers closed above (below) the {}"
_MEAN = "average over the tickers of their changes since the {}, all counting the same"
METRICS = (
    Metric(
        name="breadth",
        basis="previous_close",
        window="day",
        definition=_COUNT.format("close of the session before"),
        compute=breadth_facts,
    ),
    Metric(
        name="breadth",
        basis="previous_bar",
        window="hour",
        definition=_COUNT.format("bar before in the session"),
        compute=breadth_facts,
    ),
    Metric(
        name="market_change",
        basis="previous_close",
        window="day",
        definition=_MEAN.format("close of the session before"),
        compute=average_facts,
    ),
    Metric(
        name="market_change",
        basis="previous_bar",
        window="hour",
        definition=_MEAN.format("bar before in the session"),
        compute=average_facts,
    ),
)
STORIES = (
    Story(
        name="market day, mostly up",
        kind="market",
        roles={"u": Role("breadth", "previous_close"), "a": AVERAGE},
        mood=("u",),
        when=same_direction("u", "a"),
        frames=(
            "{u} {u.stands} since the previous close, and the average stock has {a.part} {a}",
            "since the previous close {u} {u.stands}; the average stock has {a.part} {a}",
            "the average stock has {a.part} {a} since the previous close, with {u} {u.above} it",
            "at {a} {a.above} the previous close on average, the market has {u} {u.above} it",
            "the market is {a.way} {a} on average since the previous close, and {u} {u.stands}",
        ),
        closing_frames=(
            "{u} {u.ended} than the session before, and the average stock {a.verb} {a}",
            "the session ended with {u} {u.above} the previous close and the average stock {a.way} {a}",
            "the average stock closed {a.way} {a} from the previous close, with {u} {u.above} it",
        ),
    ),
    Story(
        name="market day",
        kind="market",
        roles={"u": UP, "d": DOWN, "a": AVERAGE},
        mood=("a",),
        frames=(
            "{u} {u.stands} and {d} {d.stands} since the previous close; the average stock has {a.part} {a}",
            "the average stock has {a.part} {a} since the previous close, as {u} {u.stands} and {d} {d.stands}",
            "since the previous close {u} {u.stands}, {d} {d.stands}, and the average stock has {a.part} {a}",
            "with {u} {u.above} the previous close and {d} {d.above} it, the average stock is {a.way} {a}",
        ),
        closing_frames=(
            "{u} {u.ended} and {d} {d.ended} than the session before; the average stock {a.verb} {a}",
            "at the close {u} were {u.above} the previous close and {d} {d.above} it; the average stock {a.verb} {a}",
        ),
    ),
    Story(
        name="market day, split",
        kind="market",
        roles={"u": Role("breadth", "previous_close"), "a": AVERAGE},
        mood=("a",),
        when=opposite_direction("u", "a"),
        frames=(
            "{u} {u.stands} since the previous close although the average stock has {a.part} {a}",
            "the average stock has {a.part} {a} since the previous close even though {u} {u.stands}",
        ),
    ),
    Story(
        name="market hour, one-sided",
        kind="market",
        roles={"u": Role("breadth", "previous_bar"), "a": HOUR_AVERAGE, "p": PERIOD},
        mood=("u",),
        when=same_direction("u", "a"),
        significance=lambda cast: cast["u"].significance + cast["a"].significance / 4,
        frames=(
            "{u} {u.moved} in {p}, and the average stock {a.verb} {a}",
            "in {p} {u} {u.moved}; the average stock {a.verb} {a}",
            "the average stock {a.verb} {a} in {p}, with {u} {u.side}",
            "{u} {u.moved} in {p} as the average stock {a.verb} {a}",
        ),
    ),
    Story(
        name="market hour",
        kind="market",
        roles={"u": _HOUR_UP, "d": _HOUR_DOWN, "p": PERIOD},
        mood=("p",),
        significance=lambda cast: abs(cast["u"].value - cast["d"].value) / (cast["u"].value + cast["d"].value) * 2,
        frames=(
            "{u} {u.moved} and {d} {d.moved} in {p}",
            "in {p} {u} {u.moved} while {d} {d.moved}",
            "{p} ended with {u} {u.side} and {d} {d.side}",
        ),
    ),
)
