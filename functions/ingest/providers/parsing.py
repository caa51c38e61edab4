"""Figures and times as vendors write them, to the last digit; unreadable ones are NaN or None, for store to refuse."""

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

from shared.events.types import RefusedBar

NAN = Decimal("NaN")
_MAGNITUDE = 20
"""Powers of ten of a figure: larger ones are no price and no volume, and sums of them overflow."""
_YEARS = range(1970, 2200)
_TEXT = 1000


def parse_decimal(value: object) -> Decimal | None:
    """Return *value*, text or a number of JSON parsed with parse_float=Decimal; None for nothing, NaN otherwise."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return NAN
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return NAN
    return found if found.is_finite() and abs(found.adjusted()) <= _MAGNITUDE else NAN


def parse_instant(value: object) -> datetime | None:
    """Return the instant of an ISO text, in UTC, which is meant where it names no zone; None when it is no time."""
    try:
        found = datetime.fromisoformat(str(value))
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year in _YEARS else None


def parse_epoch(value: object) -> datetime | None:
    """Return the instant of whole seconds since 1970, None when there is none."""
    try:
        found = datetime.fromtimestamp(value, UTC) if type(value) is int else None
    except (ValueError, OverflowError, OSError):
        return None
    return found if found and found.year in _YEARS else None


def refuse(start: datetime | None, reason: str, detail: str, sent: object) -> RefusedBar:
    """Return *sent*, which cannot be parsed as a bar, as a rejected bar."""
    return RefusedBar(start=start, reason=reason, detail=detail, text=sent_text(sent))


def refuse_time(sent: object) -> RefusedBar:
    """Return *sent*, a bar without a readable time, as a rejected bar."""
    return refuse(None, "time-unreadable", "The bar has no readable time.", sent)


def sent_text(sent: object) -> str:
    """Return *sent* as JSON, up to a length that nothing true has."""
    return json.dumps(sent, default=str)[:_TEXT]


def parse_date(header: str) -> datetime | None:
    """Return the instant of an HTTP Date header, None without a readable one."""
    try:
        instant = parsedate_to_datetime(header)
    except ValueError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
