"""New highs and lows beyond every bar of the 20 sessions before: of this bar, and of the session so far."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from functions.insights.facts.fact import Fact, exact_dollars, source_bars
from functions.insights.facts.hour import SESSIONS, Bar, Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story, same_direction, three_companies
from functions.insights.facts.metrics.change import HOUR
from functions.insights.facts.metrics.period import PERIOD

_BASIS = f"{SESSIONS}_sessions"
_SIDES = ("high", "low")


def _compute_hour(hour: Hour, metric: Metric) -> Iterator[Fact]:
    """Yield the extremes that the bar of *hour* has set."""
    for ticker in hour.present:
        yield from _extreme(hour, metric, ticker, (hour.start,), hour.so_far[:-1])


def _compute_session(hour: Hour, metric: Metric) -> Iterator[Fact]:
    """Yield the extremes that an earlier bar of the session has set and the bar of *hour* has not passed."""
    for ticker in hour.present:
        yield from _extreme(hour, metric, ticker, hour.so_far[:-1], (), unless=hour.start)


def _extreme(
    hour: Hour,
    metric: Metric,
    ticker: str,
    starts: Sequence[datetime],
    others: Sequence[datetime],
    unless: datetime | None = None,
) -> Iterator[Fact]:
    """Yield the extreme of the bars at *starts* if it is beyond those of 20 sessions and of *others*."""
    side = metric.name.removeprefix("session_")
    now, before = hour.all_bars(ticker, starts), hour.all_bars(ticker, (*hour.history, *others))
    if len(hour.recent) < SESSIONS or not now or before is None:
        return
    value, bound = _outermost(side, now), _outermost(side, before)
    newest = hour.bar(ticker, unless)
    if not _is_beyond(side, value, bound) or (newest and _is_beyond(side, _outermost(side, [newest]), value)):
        return
    yield metric.fact(
        hour,
        value,
        f"a {SESSIONS}-session {side} of {exact_dollars(value)}",
        "USD",
        source_bars(hour, (ticker,), (*hour.history, *hour.so_far), side),
        ticker=ticker,
        direction="up" if side == "high" else "down",
        significance=Decimal("1.6") + abs(value - bound) / bound * 100 / hour.usual_moves[ticker],
    )


def _outermost(side: str, bars: Sequence[Bar]) -> Decimal:
    return max(bar.high for bar in bars) if side == "high" else min(bar.low for bar in bars)


def _is_beyond(side: str, value: Decimal, bound: Decimal) -> bool:
    return value > bound if side == "high" else value < bound


def _significance(cast: Cast) -> Decimal:
    return cast["h"].significance


METRICS = (
    *(
        Metric(
            name=side,
            basis=_BASIS,
            window="hour",
            definition=f"{side} of the newest bar, beyond every bar of its session before it and of 20 sessions before",
            compute=_compute_hour,
        )
        for side in _SIDES
    ),
    *(
        Metric(
            name=f"session_{side}",
            basis=_BASIS,
            window="session",
            definition=f"{side} of an earlier bar of the session, beyond every other of it and of 20 sessions before",
            compute=_compute_session,
        )
        for side in _SIDES
    ),
)
STORIES = (
    *(
        Story(
            name=f"new {side}",
            roles={"h": Role(side, _BASIS), "p": PERIOD},
            mood=("h",),
            event=True,
            significance=_significance,
            frames=(
                "{S} (hit|reached|set) {h} in {p}",
                "in {p}[,] {S} (hit|reached|set) {h}",
                "{p} brought {h} for {S}",
                "{h} was set by {S} in {p}",
            ),
        )
        for side in _SIDES
    ),
    *(
        Story(
            name=f"new {side} with move",
            roles={"h": Role(side, _BASIS), "x": HOUR, "p": PERIOD},
            mood=("h",),
            event=True,
            significance=_significance,
            when=same_direction("h", "x"),
            frames=(
                "{S} {x.verb} {x} in {p} and (hit|reached|set) {h}",
                "{S} (hit|reached|set) {h} in {p}, when it {x.verb} {x}",
                "with a {x.gain} of {x} in {p} {S} (hit|reached) {h}",
            ),
        )
        for side in _SIDES
    ),
    *(
        three_companies(
            f"new {side}s",
            Role(side, _BASIS),
            PERIOD,
            (
                "{x.name} (hit|reached|set) {x} in {p}, {y.name} {y} and {z.name} {z}",
                "in {p}[,] {x.name} (hit|reached|set) {x}, {y.name} {y} and {z.name} {z}",
                "{p} brought {x} for {x.name}, {y} for {y.name} and {z} for {z.name}",
            ),
        )
        for side in _SIDES
    ),
    *(
        Story(
            name=f"new {side} of the session",
            roles={"h": Role(f"session_{side}", _BASIS)},
            event=True,
            significance=_significance,
            frames=(
                "{S} has (hit|reached|set) {h} since the open",
                "since the open[,] {S} has (hit|reached|set) {h}",
                "earlier in the session {S} (hit|reached|set) {h}",
                "{h} was set by {S} earlier in the session",
            ),
            closing_frames=("{S} (hit|reached|set) {h} in the session", "the session brought {h} for {S}"),
        )
        for side in _SIDES
    ),
)
