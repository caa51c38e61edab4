"""Results of generation: the insights of an hour, as they are stored."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from functions.insights.facts.fact import Fact
from functions.insights.facts.hour import Hour
from functions.insights.facts.metric import Kind
from functions.insights.facts.registry import FactTable
from functions.insights.text.parser import Sentiment
from functions.insights.text.template import fact_ids

Generator = Literal["rules", "model"]
MODEL_CALLS = 2
"""Calls of the model for one hour, whatever happens."""


@dataclass(frozen=True, slots=True)
class Insight:
    """A sentence as a template, its sentiment and companies, its author, and why it was chosen."""

    template: str
    sentiment: Sentiment
    tickers: tuple[str, ...]
    generator: Generator
    kind: Kind
    story: str
    significance: Decimal

    def facts(self, table: FactTable) -> list[Fact]:
        """Return the facts whose figures are in the sentence, in order."""
        return [table[name] for name in fact_ids(self.template)]


@dataclass(frozen=True, slots=True)
class HourInsights:
    """The insights of *hour* with its facts; *model* is the model that wrote some of them."""

    hour: Hour
    facts: FactTable
    insights: Sequence[Insight]
    model: str | None = None

    @property
    def generator(self) -> str:
        """Rules, model, or mixed."""
        names = {insight.generator for insight in self.insights}
        return names.pop() if len(names) == 1 else "mixed" if names else "rules"


@dataclass
class ModelRun:
    """Outcome of one hour's request: counts, reasons, and a verdict for each call."""

    proposed: int = 0
    accepted: int = 0
    repaired: int = 0
    fallen_back: int = 0
    outcome: str = "not-asked"
    advice: str = ""
    model: str | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: float = 0
    insights: list[Insight] = field(default_factory=list)
