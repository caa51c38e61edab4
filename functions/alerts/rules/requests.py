"""Request bodies of /alerts."""

from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from functions.alerts.rules.condition import Basis, Direction, Kind, Repeat, Span


def exact_decimal(amount: float | None) -> Decimal | None:
    """Return *amount* with the digits that were sent.

    A request has a float, as msgspec takes text such as "1_0" for a Decimal. No digit is lost: within the
    limits of every kind an amount has at most 12 digits, and a float keeps 15.
    """
    return None if amount is None else Decimal(str(amount))


class CreateAlert(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a rule."""

    kind: Kind
    ticker: str | None = None
    direction: Direction | None = None
    basis: Basis | None = None
    span: Span | None = None
    amount: float | None = None
    repeat: Repeat = "once"
    channels: list[str] | None = None
    list: str | None = None  # last: its name hides the type


class ChangeAlert(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a change of a rule; omitted fields stay as they are."""

    ticker: str | UnsetType = UNSET
    direction: Direction | UnsetType = UNSET
    basis: Basis | UnsetType = UNSET
    span: Span | UnsetType = UNSET
    amount: float | UnsetType | None = UNSET
    repeat: Repeat | UnsetType = UNSET
    channels: list[str] | UnsetType | None = UNSET
    state: Literal["active", "paused"] | UnsetType = UNSET
    list: str | UnsetType = UNSET
