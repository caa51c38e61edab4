"""Correction: the largest revision of a close in the session, the close first reported beside the one stored now."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, direction_of, exact_dollars, source_bars
from functions.insights.facts.hour import Bar, EarlierVersion, Hour, change
from functions.insights.facts.metric import Metric, Role, Story
from shared.calendar.trading import EXCHANGE_ZONE

_BASIS = "first_report"
_AT_LEAST = Decimal("0.1")
"""Percent of the close: smaller corrections are no story."""


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    for ticker in hour.present:
        if (found := _largest(hour, ticker)) is None:
            continue
        now, first = found
        figure = change(first.bar.close, now.close)
        local = now.start.astimezone(EXCHANGE_ZONE)
        minutes = Decimal(local.hour * 60 + local.minute)
        value, text, unit, as_of = {
            "revised_close": (now.close, exact_dollars(now.close), "USD", None),
            "first_close": (first.bar.close, exact_dollars(first.bar.close), "USD", first.served_at),
            "revised_bar": (minutes, f"the {local:%H:%M} bar", "minutes", None),
        }[metric.name]
        bars = source_bars(hour, (ticker,), (), "close", only=now.start, as_of=as_of)
        significance = abs(figure) / hour.usual_moves[ticker] * 2
        direction = direction_of(figure)
        yield metric.fact(hour, value, text, unit, bars, ticker=ticker, direction=direction, significance=significance)


def _largest(hour: Hour, ticker: str) -> tuple[Bar, EarlierVersion] | None:
    """Return the bar of the session so far whose close was revised most, with its first version."""
    revisions = hour.revisions.get(ticker, {})
    pairs = [
        (bar, revisions[start]) for start in hour.so_far if start in revisions and (bar := hour.bar(ticker, start))
    ]
    sizes = [abs(change(first.bar.close, now.close)) if first.bar.close else Decimal() for now, first in pairs]
    return pairs[sizes.index(max(sizes))] if sizes and max(sizes) >= _AT_LEAST else None


_DEFINITIONS = {
    "revised_close": "of the session's bars the one whose close was revised most (0.1% at least): its close now",
    "first_close": "its close as it was first reported: `as_of` in the link returns it",
    "revised_bar": "its start in minutes of the day in New York",
}
METRICS = tuple(
    Metric(name=name, basis=_BASIS, window="session", definition=definition, compute=_compute)
    for name, definition in _DEFINITIONS.items()
)
STORIES = (
    Story(
        name="correction",
        roles={"n": Role("revised_close", _BASIS), "o": Role("first_close", _BASIS), "b": Role("revised_bar", _BASIS)},
        mood=("n",),
        event=True,
        when=lambda cast: cast["n"].text != cast["o"].text,
        frames=(
            "the close of {b} of {S} was revised from {o} to {n}",
            "{b} of {S} was revised: its close is {n} and was first given as {o}",
            "a correction moved the close of {b} of {S} from {o} to {n}",
        ),
    ),
)
