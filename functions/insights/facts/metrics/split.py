"""Split: the shares of a company were split with the opening of this session; its stored bars are on the new scale."""

from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Role, Story


def _compute(hour: Hour, metric: Metric) -> Iterator[Fact]:
    for ticker, split in sorted(hour.splits.items()):
        if hour.bar(ticker, hour.session.opens) is None or ticker not in hour.present:
            continue
        yield metric.fact(
            hour,
            split.new_shares / split.old_shares,
            f"{split.new_shares.normalize():f}-for-{split.old_shares.normalize():f}",
            "shares",
            source_bars(hour, (ticker,), (hour.session.opens,), "open"),
            ticker=ticker,
            significance=Decimal(5),
        )


METRICS = (
    Metric(
        name="split",
        basis=None,
        window="day",
        definition="new shares for each old one, by a split of the session's date that `/splits` lists as applied",
        compute=_compute,
    ),
)
STORIES = (
    Story(
        name="split",
        roles={"n": Role("split", None)},
        event=True,
        frames=(
            "{S} trades after a {n} split of its shares",
            "a {n} split of the shares of {S} took effect with the opening of the session",
            "with the opening of the session[,] the shares of {S} were split {n}",
        ),
    ),
)
