"""Figures as vendors write them: kept to the last digit, and what is none is carried as such for store to refuse."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

NAN = Decimal("NaN")


def parse_decimal(value: object) -> Decimal | None:
    """Return *value*, text or a number of JSON parsed with parse_float=Decimal; None for nothing, NaN for nonsense."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return NAN
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return NAN
    return NAN if found.is_nan() else found


def parse_date(header: str) -> datetime | None:
    """Return the instant of an HTTP Date header, None without a readable one."""
    try:
        instant = parsedate_to_datetime(header)
    except ValueError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
