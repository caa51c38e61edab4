"""Declarations: a metric computes facts; a story says which facts stand together in a sentence, and in which frames."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from functions.insights.facts.fact import Direction, Fact, SourceBars, Window, direction_of, percent, round_value
from functions.insights.facts.hour import Hour

Kind = Literal["market", "company", "industry", "wrap"]
When = Literal["any", "open", "trading", "close"]
"""Hours in which a frame may be used: all, the session's first, all but its last, its last."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure that can be computed from bars: its name, the price or bars it is counted from, and the span it covers.

    *compute* yields the facts of an hour; a fact that lacks one of its bars does not exist. *definition* is its line in
    the documentation.
    """

    name: str
    basis: str | None
    window: Window
    definition: str
    compute: Callable[[Hour, "Metric"], Iterable[Fact]]

    @property
    def key(self) -> tuple[str, str | None]:
        """Metric and basis."""
        return self.name, self.basis

    def fact(self, hour: Hour, value: Decimal, text: str, unit: str, bars: SourceBars, **fields: Any) -> Fact:
        """Return a fact of this metric with the unrounded *value*."""
        return Fact(
            metric=self.name,
            basis=self.basis,
            window=self.window,
            value=round_value(value),
            unit=unit,
            text=text,
            moment="close" if hour.closes else "open" if hour.opens else "trading",
            source_bars=bars,
            **fields,
        )

    def percent_fact(self, hour: Hour, value: Decimal, bars: SourceBars, **fields: Any) -> Fact:
        """Return a fact whose value is in percent, with its direction."""
        return self.fact(hour, value, percent(value), "percent", bars, direction=direction_of(value), **fields)


class Role(NamedTuple):
    """A fact that a story needs: its metric and basis, and its direction where only that side is meant.

    *owner* is the role whose company or industry the fact has to be of, in a story that names several.
    """

    metric: str
    basis: str | None
    direction: Direction | None = None
    owner: str | None = None

    def fits(self, fact: Fact) -> bool:
        """Return whether *fact* can play this role."""
        return fact.key == (self.metric, self.basis) and self.direction in (None, fact.direction)


Cast = Mapping[str, Fact]
"""The facts of a story by role."""


def no_condition(_: Cast) -> bool:
    """Return True: a story without a condition."""
    return True


def most_significant(cast: Cast) -> Decimal:
    """Return the significance of the most significant fact."""
    return max(fact.significance for fact in cast.values())


@dataclass(frozen=True, kw_only=True)
class Story:
    """Facts that make one sentence, and the frames for it.

    A frame is text with alternatives `(a|b)`, options `[c ]` and places: `{S}` the company, `{x}` the figure of role x,
    `{x.verb}` a word of that class which is true of x, `{x.name}` the company and `{x.industry}` the industry of x.
    An alternative `~c` is accepted from a model and never written by the rules.
    *when* has to hold of the facts. *mood* are the roles whose directions make the sentiment; all, if empty.
    """

    name: str
    kind: Kind = "company"
    roles: Mapping[str, Role]
    frames: tuple[str, ...]
    moment: When = "any"
    when: Callable[[Cast], bool] = no_condition
    mood: tuple[str, ...] = ()
    significance: Callable[[Cast], Decimal] = most_significant
    combine: Callable[[list[Fact]], Iterable[Cast]] | None = None
    """Yields the casts of a story about two companies."""
    event: bool = False
    """Something that happens once: it may be published although its company was an hour ago."""
    closing_frames: tuple[str, ...] = field(default=())
    """Frames for the session's last hour only."""


def opposite_direction(one: str, other: str) -> Callable[[Cast], bool]:
    """Return the condition that two roles have different directions."""
    return lambda cast: cast[one].direction != cast[other].direction


def same_direction(one: str, other: str) -> Callable[[Cast], bool]:
    """Return the condition that two roles have the same direction."""
    return lambda cast: cast[one].direction == cast[other].direction


def larger(one: str, other: str) -> Callable[[Cast], bool]:
    """Return the condition that the first role is the larger figure: the lead of a sentence."""
    return lambda cast: abs(cast[one].value) >= abs(cast[other].value)


def figures_differ(one: str, other: str) -> Callable[[Cast], bool]:
    """Return the condition that two roles show different figures: without it nothing grew or shrank."""
    return lambda cast: cast[one].text != cast[other].text


def all_of(*conditions: Callable[[Cast], bool]) -> Callable[[Cast], bool]:
    """Return the condition that all *conditions* hold."""
    return lambda cast: all(condition(cast) for condition in conditions)


def three_companies(name: str, role: Role, period: Role, frames: tuple[str, ...]) -> Story:
    """Return the story of three companies to which the same thing happened in the hour: roles x, y, z and p."""

    def combine(facts: list[Fact]) -> Iterable[Cast]:
        found = sorted((fact for fact in facts if role.fits(fact)), key=lambda fact: (-fact.significance, fact.ticker))
        spans = [fact for fact in facts if period.fits(fact)]
        if len(found) >= len(_SEVERAL) and spans:
            yield {**dict(zip(_SEVERAL, found, strict=False)), "p": spans[0]}

    return Story(
        name=name,
        roles={**dict.fromkeys(_SEVERAL, role), "p": period},
        mood=_SEVERAL,
        event=True,
        when=lambda cast: len({cast[role].ticker for role in _SEVERAL}) == len(_SEVERAL),
        combine=combine,
        frames=frames,
    )


_SEVERAL = ("x", "y", "z")
