"""The fact table of one hour: everything that may be said of it, and nothing else may."""

from collections.abc import Mapping
from dataclasses import replace

from functions.insights.breadth import market_facts
from functions.insights.companies import facts_of
from functions.insights.fact import Fact
from functions.insights.hour import Hour
from functions.insights.trading import period_of

Facts = Mapping[str, Fact]
"""Facts by id."""


def fact_table(hour: Hour) -> Facts:
    """Return the facts of *hour* by id (`f1`, `f2`, ...), in an order that depends on the bars alone."""
    if not hour.present:
        return {}
    facts = [period_of(hour), *market_facts(hour)]
    for ticker in hour.present:
        facts += facts_of(hour, ticker)
    return {f"f{number}": replace(fact, id=f"f{number}") for number, fact in enumerate(facts, 1)}
