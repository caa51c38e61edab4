"""What is told of an hour, whoever has worded it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from functions.insights.check import Draft
from functions.insights.hour import Hour
from functions.insights.table import Facts

Generator = Literal["rules", "model"]


@dataclass(frozen=True, slots=True)
class Insight:
    """A checked draft, and who wrote it."""

    draft: Draft
    generator: Generator


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the calls of a model took in and gave out; None where the server did not say."""

    prompt: int | None = None
    completion: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """Return both together."""
        return Usage(_sum(self.prompt, other.prompt), _sum(self.completion, other.completion))


@dataclass(frozen=True, slots=True)
class Telling:
    """The insights of *hour* and how they came about: a verdict for each call of the model."""

    hour: Hour
    facts: Facts
    insights: Sequence[Insight]
    model: str | None = None
    verdicts: Sequence[dict[str, Any]] = ()
    usage: Usage = field(default_factory=Usage)

    @property
    def generator(self) -> str:
        """Return rules, model, or mixed."""
        names = {insight.generator for insight in self.insights}
        return names.pop() if len(names) == 1 else "mixed"


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other
