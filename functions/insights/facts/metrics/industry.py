"""Industries: the average change of their stocks, their rank, and stocks that move against theirs."""

import re
from collections.abc import Iterator
from decimal import Decimal

from functions.insights.facts.fact import Fact, direction_of, ordinal, rounds_to_zero, source_bars
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Cast, Metric, Role, Story, opposite_direction
from functions.insights.facts.metrics.breadth import excluded_tickers
from functions.insights.facts.metrics.change import DAY

INDUSTRY = Role("industry_change", "previous_close")
INDUSTRY_RANK = Role("industry_rank", "previous_close")
_STOCKS_AT_LEAST, _INDUSTRIES_AT_LEAST = 3, 4
_PLAIN = re.compile(r"(?=.{3,40}$)[A-Z][A-Za-z-]*(?: (?:[A-Z][A-Za-z-]*|and|of|&))*")
"""An industry's name is data of others: one that is not a few plain words is not shown."""


def _averages(hour: Hour) -> dict[str, tuple[Decimal, list[str]]]:
    """Return the average change and the tickers of each industry that has enough of them."""
    members: dict[str, list[str]] = {}
    for ticker in hour.day_changes:
        industry = hour.industries.get(ticker) or ""
        if _PLAIN.fullmatch(industry):
            members.setdefault(industry, []).append(ticker)
    return {
        name: (sum((hour.day_changes[ticker] for ticker in some), Decimal()) / len(some), some)
        for name, some in sorted(members.items())
        if len(some) >= _STOCKS_AT_LEAST
    }


def _change(hour: Hour, metric: Metric) -> Iterator[Fact]:
    for name, (figure, tickers) in _averages(hour).items():
        if hour.previous_closing and not rounds_to_zero(figure):
            bars = source_bars(hour, tickers, (hour.previous_closing,), "close")
            missing = excluded_tickers(hour, hour.day_changes, name)
            yield metric.percent_fact(hour, figure, bars, industry=name, significance=abs(figure), left_out=missing)


def _rank(hour: Hour, metric: Metric) -> Iterator[Fact]:
    averages = _averages(hour)
    if len(averages) < _INDUSTRIES_AT_LEAST or not hour.previous_closing:
        return
    tickers = [ticker for _, some in averages.values() for ticker in some]
    bars = source_bars(hour, tickers, (hour.previous_closing,), "close")
    for side, noun in (("up", "rise"), ("down", "fall")):
        movers = {name: abs(figure) for name, (figure, _) in averages.items() if direction_of(figure) == side}
        for name, size in movers.items():
            number = 1 + sum(other > size for other in movers.values())
            if number == 1 and sum(other == size for other in movers.values()) == 1 and not rounds_to_zero(size):
                yield metric.fact(
                    hour,
                    Decimal(number),
                    f"the {ordinal(number)}biggest average {noun} among {len(averages)} industries",
                    "place",
                    bars,
                    industry=name,
                    direction=side,
                    left_out=excluded_tickers(hour, hour.day_changes),
                )


def _break(cast: Cast) -> Decimal:
    return cast["x"].significance + cast["i"].significance


METRICS = (
    Metric(
        name="industry_change",
        basis="previous_close",
        window="day",
        definition="average over an industry's tickers (3 at least) of their changes since the previous close",
        compute=_change,
    ),
    Metric(
        name="industry_rank",
        basis="previous_close",
        window="day",
        definition="place of that average among the industries of the same direction, of those with 3 tickers at least",
        compute=_rank,
    ),
)
STORIES = (
    Story(
        name="industry",
        kind="industry",
        roles={"i": INDUSTRY, "r": INDUSTRY_RANK._replace(owner="i")},
        significance=lambda cast: cast["i"].significance + Decimal("0.5"),
        frames=(
            "stocks in {i.industry} {i.verb} {i} on average (from|~since) the previous close, {r}",
            "{r} since the previous close is that of stocks in {i.industry}, {i.way} {i}",
            "with {r} since the previous close[,] stocks in {i.industry} are {i.way} {i}",
            "stocks in {i.industry} show {r}, {i.way} {i} since the previous close",
        ),
    ),
    Story(
        name="against its industry",
        roles={"x": DAY, "i": INDUSTRY},
        mood=("x",),
        when=opposite_direction("x", "i"),
        significance=_break,
        frames=(
            "{S} {x.verb} {x} (from|~since) the previous close while stocks in {i.industry} {i.verb} {i} on average",
            "since the previous close stocks in {i.industry} have {i.part} {i} on average, but {S} has {x.part} {x}",
            "against its industry, {i.way} {i} on average, {S} has {x.part} {x} since the previous close",
        ),
    ),
)
