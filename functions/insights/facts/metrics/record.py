"""Records: the highest or lowest close of 52 weeks, or of the sessions stored, and the distance from the highest."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from functions.insights.facts.fact import Fact, exact_dollars, percent, rounds_to_zero, source_bars
from functions.insights.facts.hour import SESSIONS, Bar, Hour, change
from functions.insights.facts.metric import Metric, Role, Story
from functions.insights.facts.metrics.change import DAY

_BASIS = "52_weeks"
_WEEKS = timedelta(weeks=52)
_FAR = Decimal(10)
"""Percent from a record from which the distance is worth a sentence of its own."""


class _History(NamedTuple):
    """Closing bars before this session, newest first and without a hole, and the words for their span."""

    closes: list[Bar]
    span: str


def _history(hour: Hour, ticker: str) -> _History | None:
    """Return the closes of 52 weeks; None where they are no longer than those of other metrics."""
    sessions = [session for session in reversed(hour.previous) if session.date > hour.session.date - _WEEKS]
    closes: list[Bar] = []
    for start in hour.closings[: len(sessions)]:
        if (bar := hour.bar(ticker, start)) is None:
            break
        closes.append(bar)
    if len(closes) <= SESSIONS:
        return None
    whole = len(closes) == len(sessions) < len(hour.previous)
    return _History(closes, "52 weeks" if whole else f"the {len(closes) + 1} stored sessions")


def _record(hour: Hour, metric: Metric) -> Iterator[Fact]:
    """Yield the closes beyond every close before, after the last bar of the session."""
    for ticker in hour.present if hour.closes else ():
        if (history := _history(hour, ticker)) is None:
            continue
        value = hour.bars[ticker][hour.start].close
        closes = [bar.close for bar in history.closes]
        is_high = metric.name == "closing_high"
        bound = max(closes) if is_high else min(closes)
        if value <= bound if is_high else value >= bound:
            continue
        yield metric.fact(
            hour,
            value,
            f"{exact_dollars(value)}, the {'highest' if is_high else 'lowest'} close of {history.span}",
            "USD",
            source_bars(hour, (ticker,), [bar.start for bar in history.closes], "close"),
            ticker=ticker,
            direction="up" if is_high else "down",
            significance=Decimal(2) + abs(value - bound) / bound * 100 / hour.usual_moves[ticker],
        )


def _distance(hour: Hour, metric: Metric) -> Iterator[Fact]:
    """Yield how far closes are below the highest close before."""
    for ticker in hour.present if hour.closes else ():
        if (history := _history(hour, ticker)) is None:
            continue
        figure = change(max(bar.close for bar in history.closes), hour.bars[ticker][hour.start].close)
        if figure >= 0 or rounds_to_zero(figure):
            continue
        yield metric.fact(
            hour,
            figure,
            f"{percent(figure)} below the highest close of {history.span}",
            "percent",
            source_bars(hour, (ticker,), [bar.start for bar in history.closes], "close"),
            ticker=ticker,
            direction="down",
            significance=min(abs(figure) / _FAR, Decimal(2)),
        )


METRICS = (
    *(
        Metric(
            name=name,
            basis=_BASIS,
            window="year",
            definition=f"at a session's close: its close, {side} than each of the 52 weeks before, or of those stored",
            compute=_record,
        )
        for name, side in (("closing_high", "higher"), ("closing_low", "lower"))
    ),
    Metric(
        name="distance_from_high",
        basis=_BASIS,
        window="year",
        definition="at a session's close: its close against the highest of the 52 weeks before, or of those stored",
        compute=_distance,
    ),
)
STORIES = (
    *(
        Story(
            name=f"record {side}",
            roles={"h": Role(f"closing_{side}", _BASIS), "x": DAY},
            mood=("h",),
            moment="close",
            event=True,
            significance=lambda cast: cast["h"].significance,
            frames=(
                "{S} {x.verb} {x} from the previous close to {h}",
                "{S} closed at {h}, {x} {x.above} the previous close",
                "the session ended for {S} at {h}, {x} {x.above} the previous close",
            ),
        )
        for side in ("high", "low")
    ),
    Story(
        name="distance from the record",
        roles={"d": Role("distance_from_high", _BASIS)},
        significance=lambda cast: cast["d"].significance / 2,
        moment="close",
        frames=("{S} closed {d}", "{S} ended the session {d}"),
    ),
)
