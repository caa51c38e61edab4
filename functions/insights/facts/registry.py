"""Metric registry: every metric and story that a module of `facts/metrics` declares, and the fact table of an hour."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from functions.insights.facts import metrics
from functions.insights.facts.fact import Fact
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Metric, Story

FactTable = Mapping[str, Fact]
"""Facts by id."""


@cache
def all_metrics() -> tuple[Metric, ...]:
    """Return every declared metric, ordered by module."""
    return tuple(metric for module in _modules() for metric in getattr(module, "METRICS", ()))


@cache
def all_stories() -> tuple[Story, ...]:
    """Return every declared story, ordered by module."""
    return tuple(story for module in _modules() for story in getattr(module, "STORIES", ()))


def fact_table(hour: Hour) -> FactTable:
    """Return the facts of *hour* by id (`f1`, `f2`, ...), in an order that depends on the bars alone."""
    if not hour.present:
        return {}
    facts = (fact for metric in all_metrics() for fact in metric.compute(hour, metric))
    return {f"f{number}": replace(fact, id=f"f{number}") for number, fact in enumerate(facts, 1)}


def definitions() -> Iterator[str]:
    """Yield the lines of the table of metrics in the documentation."""
    yield "| metric / basis | window | definition |"
    yield "|---|---|---|"
    for metric in all_metrics():
        name = f"`{metric.name}`" + (f" / `{metric.basis}`" if metric.basis else "")
        yield f"| {name} | {metric.window} | {metric.definition} |"


def _modules() -> Iterator[object]:
    for module in sorted(iter_modules(metrics.__path__), key=lambda module: module.name):
        yield import_module(f"{metrics.__name__}.{module.name}")
