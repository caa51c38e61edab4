"""The largest volume or the widest range of a session since a date, at its close."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from functions.insights.facts.fact import Fact, source_bars
from functions.insights.facts.hour import Bar, Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story
from functions.insights.facts.metrics.change import DAY
from functions.insights.facts.metrics.range import RANGE
from shared.calendar.trading import Session

_AT_LEAST = 10
"""Minimum number of smaller sessions before one is reported."""
_NOUNS = {"volume_since": "the largest volume", "range_since": "the widest range"}
_FIELDS = {"volume_since": ("volume",), "range_since": ("open", "high", "low")}


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    for ticker in hour.present if hour.closes else ():
        if (now := _size(hour, metric, ticker, hour.session)) is None:
            continue
        smaller: list[Session] = []
        larger: Session | None = None
        for session in reversed(hour.recent):
            size = _size(hour, metric, ticker, session)
            if size is None or size >= now:
                larger = session if size is not None else None
                break
            smaller.append(session)
        if len(smaller) < _AT_LEAST:
            continue
        used = [*smaller, *([larger] if larger else [])]
        yield metric.fact(
            hour,
            Decimal(len(smaller)),
            f"{_NOUNS[metric.name]} {f'since {_day(larger.date)}' if larger else f'of {len(smaller) + 1} sessions'}",
            "sessions",
            source_bars(hour, (ticker,), [*_starts(used), *hour.so_far], *_FIELDS[metric.name]),
            ticker=ticker,
            significance=Decimal(len(smaller)) / 8,
        )


def _size(hour: Hour, metric: Metric, ticker: str, session: Session) -> Decimal | None:
    """Return the volume of *session*, or its range in percent of its first open; None where a bar is missing."""
    bars = hour.all_bars(ticker, session.starts("1h"))
    if not bars:
        return None
    if metric.name == "volume_since":
        comparable = all(bar.volume is not None and bar.source == hour.bars[ticker][hour.start].source for bar in bars)
        return Decimal(sum(bar.volume or 0 for bar in bars)) if comparable else None
    return _range(bars)


def _range(bars: Sequence[Bar]) -> Decimal | None:
    spread = max(bar.high for bar in bars) - min(bar.low for bar in bars)
    return spread / bars[0].open if bars[0].open else None


def _starts(sessions: Sequence[Session]) -> Iterator:
    for session in sessions:
        yield from session.starts("1h")


def _day(day: date) -> str:
    return f"{day:%B} {day.day}"


def _significance(cast: Cast) -> Decimal:
    return cast["n"].significance


METRICS = (
    Metric(
        name="volume_since",
        basis="sessions",
        window="sessions",
        definition="at a session's close: how many sessions before it in a row had less volume, at least 10 of 20",
        compute=_compute,
    ),
    Metric(
        name="range_since",
        basis="sessions",
        window="sessions",
        definition="at a session's close: how many before it in a row had a smaller `range`, at least 10 of 20",
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="largest volume",
        roles={"n": Role("volume_since", "sessions"), "x": DAY},
        mood=("x",),
        moment="close",
        event=True,
        significance=_significance,
        frames=(
            "{S} closed {x} {x.above} the previous close on {n}",
            "{S} {x.verb} {x} from the previous close on {n}",
            "on {n}[,] {S} ended the session {x} {x.above} the previous close",
        ),
    ),
    Story(
        name="widest range",
        roles={"w": RANGE, "n": Role("range_since", "sessions")},
        moment="close",
        significance=_significance,
        frames=(
            "from its low to its high {S} covered {w} in the session, {n}",
            "{S} moved over {w} between its low and its high of the session, {n}",
            "the session in {S} ranged over {w}, {n}",
        ),
    ),
)
