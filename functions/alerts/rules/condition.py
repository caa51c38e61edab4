"""Conditions of rules: the kinds, the parts of each, and the validation of a condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["price", "change", "volume", "extreme", "insight", "missing"]
Direction: TypeAlias = Literal["above", "below", "up", "down", "any", "high", "low"]
Basis: TypeAlias = Literal["previous_close", "session_open"]
Span: TypeAlias = Literal["20_sessions", "52_weeks"]
Repeat: TypeAlias = Literal["once", "session", "always"]

EVERY_TICKER = "*"
_DECIMALS = 4
_PARTS = ("direction", "basis", "span", "amount")


class _Range(NamedTuple):
    """Values that the amount of a kind may have, and its unit in words."""

    least: Decimal
    most: Decimal
    unit: str
    required: bool = True


class _Shape(NamedTuple):
    """Parts of the conditions of a kind: the choices of each, none for a part that the kind does not have."""

    direction: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()
    span: tuple[str, ...] = ()
    amount: _Range | None = None


SHAPES: dict[Kind, _Shape] = {
    "price": _Shape(direction=("above", "below"), amount=_Range(Decimal("0.0001"), Decimal(10_000_000), "USD")),
    "change": _Shape(
        direction=("up", "down", "any"),
        basis=("previous_close", "session_open"),
        amount=_Range(Decimal("0.01"), Decimal(1000), "percent"),
    ),
    "volume": _Shape(amount=_Range(Decimal("0.1"), Decimal(1000), "times the usual volume")),
    "extreme": _Shape(direction=("high", "low"), span=("20_sessions", "52_weeks")),
    "insight": _Shape(amount=_Range(Decimal("0.01"), Decimal(1000), "its significance", required=False)),
    "missing": _Shape(),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition under which a rule fires; a part that its kind does not have is None."""

    kind: Kind
    direction: str | None = None
    basis: str | None = None
    span: str | None = None
    amount: Decimal | None = None

    def parts(self) -> dict[str, Any]:
        """Return its members by name."""
        return {"kind": self.kind, **{name: getattr(self, name) for name in _PARTS}}


def read_condition(stored: Mapping[str, Any]) -> Condition:
    """Return the condition stored with a firing as JSON, in which the amount is text."""
    amount = stored["amount"]
    return Condition(**{**stored, "amount": Decimal(amount) if amount else None})


def find_faults(condition: Condition) -> Iterator[tuple[str, str]]:
    """Yield each invalid part of *condition* and the change to make."""
    shape = SHAPES[condition.kind]
    for name in _PARTS[:3]:
        choices, value = getattr(shape, name), getattr(condition, name)
        if value is None and choices:
            yield name, f"is missing: {condition.kind} needs {' or '.join(choices)}"
        elif value is not None and value not in choices:
            yield name, f"should be {' or '.join(choices)}" if choices else _superfluous(condition.kind)
    yield from _amount_faults(condition, shape.amount)


def _amount_faults(condition: Condition, limits: _Range | None) -> Iterator[tuple[str, str]]:
    amount = condition.amount
    if limits is None:
        if amount is not None:
            yield "amount", _superfluous(condition.kind)
    elif amount is None:
        if limits.required:
            yield "amount", f"is missing: {condition.kind} needs a number ({limits.unit})"
    elif not amount.is_finite() or not limits.least <= amount <= limits.most:
        yield "amount", f"should be a number from {limits.least} to {limits.most} ({limits.unit})"
    elif amount != round(amount, _DECIMALS):
        yield "amount", f"should have at most {_DECIMALS} decimals"


def _superfluous(kind: Kind) -> str:
    shape = SHAPES[kind]
    known = [name for name in _PARTS if getattr(shape, name)]
    return f"does not apply to {kind}" + (f", which has {', '.join(known)}" if known else "")
