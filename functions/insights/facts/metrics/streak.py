"""Streak: how many sessions in a row closed higher, or lower, than the one before. Finished sessions only."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from functions.insights.facts.fact import Fact, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Role, Story

STREAK = Role("streak", "previous_close")
_AT_LEAST = 4


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    if not hour.closes:
        return
    for ticker in hour.present:
        if (fact := _streak(hour, metric, ticker)) is not None:
            yield fact


def _streak(hour: Hour, metric: Metric, ticker: str) -> Fact | None:
    starts = (hour.start, *hour.closings)
    moves: list[bool] = []
    ended = False
    for new_start, old_start in pairwise(starts):
        new, old = hour.bar(ticker, new_start), hour.bar(ticker, old_start)
        if new is None or old is None:
            break
        if new.close == old.close or (moves and moves[-1] != (new.close > old.close)):
            ended = True
            break
        moves.append(new.close > old.close)
    count = len(moves)
    if count < _AT_LEAST:
        return None
    # With the close that ended it: only that shows that it is no longer.
    used = [start for start in starts[: count + (2 if ended else 1)] if hour.bar(ticker, start)]
    return metric.fact(
        hour,
        Decimal(count),
        f"{'' if ended else 'at least '}{count} sessions in a row",
        "sessions",
        source_bars(hour, (ticker,), used, "close"),
        ticker=ticker,
        direction="up" if moves[0] else "down",
        significance=Decimal(count) / 3,
    )


METRICS = (
    Metric(
        name="streak",
        basis="previous_close",
        window="sessions",
        definition=(
            "at a session's close: how many closes in a row, newest first, are above (below) the one before; "
            "of each session its last bar"
        ),
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="streak",
        roles={"k": STREAK},
        moment="close",
        event=True,
        frames=(
            "{S} has closed {k.side} for {k}",
            "{S} closed {k.side} than the session before for {k}",
            "the close of {S} was {k.above} that of the session before for {k}",
        ),
    ),
)
