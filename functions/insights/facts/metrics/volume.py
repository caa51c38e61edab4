"""Volume against the usual: of this bar at this time of day, and of the session so far."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from functions.insights.facts.fact import Fact, source_bars, times
from functions.insights.facts.hour import USUAL_AT_LEAST, Bar, Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story, three_companies
from functions.insights.facts.metrics.change import HOUR, SESSION
from functions.insights.facts.metrics.period import PERIOD

VOLUME = Role("volume_ratio", "same_time_of_day")
SESSION_VOLUME = Role("session_volume_ratio", "same_part_of_session")
_BUSY, _QUIET = Decimal("1.5"), Decimal("0.6")
"""Ratios to the usual volume between these bounds are not facts."""
_LEAST = Decimal("0.005")
"""Ratios below round to zero."""


def _compute_hour(hour: Hour, metric: Metric) -> Iterator[Fact]:
    starts = hour.same_time(hour.start)
    for ticker in hour.present:
        usual = [bar for start in starts if (bar := hour.bar(ticker, start)) and bar.volume is not None]
        fact = _fact(hour, metric, ticker, [hour.bars[ticker][hour.start]], [(bar,) for bar in usual])
        if fact is not None:
            yield fact


def _compute_session(hour: Hour, metric: Metric) -> Iterator[Fact]:
    if hour.opens:
        return
    parts = _same_parts(hour)
    for ticker in hour.present:
        now = hour.all_bars(ticker, hour.so_far)
        usual = [bars for starts in parts if (bars := hour.all_bars(ticker, starts)) and _traded(bars)]
        if now is not None and (fact := _fact(hour, metric, ticker, now, usual)) is not None:
            yield fact


def _same_parts(hour: Hour) -> list[tuple[datetime, ...]]:
    """Return for each earlier session the starts of its bars that are as long as this session's so far."""
    lengths = [hour.session.end("1h", start) - start for start in hour.so_far]
    found: list[tuple[datetime, ...]] = []
    for session in hour.recent:
        starts = tuple(session.starts("1h"))[: len(lengths)]
        if [session.end("1h", start) - start for start in starts] == lengths:
            found.append(starts)
    return found


def _traded(bars: Sequence[Bar]) -> bool:
    return all(bar.volume is not None for bar in bars)


def _sources(bars: Sequence[Bar]) -> set[str]:
    return {bar.source for bar in bars}


def _fact(hour: Hour, metric: Metric, ticker: str, now: Sequence[Bar], usual: Sequence[Sequence[Bar]]) -> Fact | None:
    # Sources count different exchanges: volumes of two are not compared even where their prices agree.
    usual = [bars for bars in usual if _sources(bars) == _sources(now)]
    total = sum(bar.volume or 0 for bars in usual for bar in bars)
    if len(usual) < USUAL_AT_LEAST or len(_sources(now)) > 1 or not total or not _traded(now):
        return None
    figure = Decimal(sum(bar.volume or 0 for bar in now)) * len(usual) / total
    if _QUIET < figure < _BUSY or figure < _LEAST:
        return None
    starts = [bar.start for bars in (*usual, now) for bar in bars]
    return metric.fact(
        hour,
        figure,
        times(figure),
        "times",
        source_bars(hour, (ticker,), starts, "volume"),
        ticker=ticker,
        direction="up" if figure > 1 else "down",
        significance=figure / _BUSY if figure > 1 else min(_QUIET / figure / 3, Decimal(1)),
    )


def _significance(cast: Cast) -> Decimal:
    return cast["v"].significance


METRICS = (
    Metric(
        name="volume_ratio",
        basis="same_time_of_day",
        window="hour",
        definition=(
            "volume of the newest over the average of the others: as long, at the same time after the opening, "
            "of the same source, at least 5 of 20 sessions"
        ),
        compute=_compute_hour,
    ),
    Metric(
        name="session_volume_ratio",
        basis="same_part_of_session",
        window="session",
        definition=(
            "volume of the session so far over the average of the same bars of earlier sessions, at least 5 of 20 "
            "that have them all"
        ),
        compute=_compute_session,
    ),
)
_USUAL, _USUAL_SO_FAR = "the usual volume for this time of day", "the usual volume by this time of day"
STORIES = (
    Story(
        name="volume",
        roles={"v": VOLUME, "x": HOUR, "p": PERIOD},
        event=True,
        mood=("x",),
        significance=_significance,
        frames=(
            "{S} {x.verb} {x} in {p} on {v} " + _USUAL,
            "in {p}[,] {S} traded {v} " + _USUAL + " and {x.verb} {x}",
            "{S} traded {v} " + _USUAL + " in {p} and {x.verb} {x}",
            "trading in {S} was {v.pace} in {p}, at {v} " + _USUAL + ", as it {x.verb} {x}",
            "in {p} {S} saw {v.pace} trading, {v} " + _USUAL + ", and a {x.gain} of {x}",
            "on {v} " + _USUAL + "[,] {S} {x.verb} {x} in {p}",
        ),
    ),
    three_companies(
        "heavy volumes",
        Role(*VOLUME[:2], "up"),
        PERIOD,
        (
            "{x.name} traded {x} " + _USUAL + " in {p}, {y.name} {y} and {z.name} {z}",
            "in {p} {x.name} traded {x} " + _USUAL + ", {y.name} {y} and {z.name} {z}",
            "{p} saw busy trading in {x.name}, {x} " + _USUAL + ", in {y.name}, {y}, and in {z.name}, {z}",
        ),
    ),
    Story(
        name="volume at the open",
        roles={"v": VOLUME, "x": SESSION},
        moment="open",
        event=True,
        mood=("x",),
        significance=_significance,
        frames=(
            "{S} {x.verb} {x} from the open on {v} " + _USUAL,
            "{S} traded {v} " + _USUAL + " after the open and {x.verb} {x} from there",
            "the first trades of {S} were {v.pace}, at {v} " + _USUAL + ", as it {x.verb} {x} from the open",
        ),
    ),
    Story(
        name="volume alone",
        roles={"v": VOLUME, "p": PERIOD},
        mood=("p",),
        significance=lambda cast: cast["v"].significance * Decimal("0.9"),
        event=True,
        frames=(
            "{S} traded {v} " + _USUAL + " in {p}",
            "in {p} trading in {S} was {v.pace}, at {v} " + _USUAL,
            "{p} saw {v.pace} trading in {S}, {v} " + _USUAL,
        ),
    ),
    Story(
        name="session volume",
        roles={"v": SESSION_VOLUME, "x": SESSION},
        mood=("x",),
        significance=lambda cast: cast["v"].significance * Decimal("0.8"),
        frames=(
            "since the open[,] {S} has traded {v} " + _USUAL_SO_FAR + " and {x.part} {x}",
            "{S} has traded {v} " + _USUAL_SO_FAR + " and has {x.part} {x} since the open",
            "trading in {S} has been {v.pace} since the open, at {v} " + _USUAL_SO_FAR + ", and it has {x.part} {x}",
        ),
        closing_frames=(
            "{S} traded {v} its usual volume of a session and {x.verb} {x} from its open",
            "the session in {S} was {v.pace}, at {v} the usual volume, and it {x.verb} {x} from open to close",
        ),
    ),
)
