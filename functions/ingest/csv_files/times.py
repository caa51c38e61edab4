"""Times of a CSV file: ISO, US and European dates, epochs, with or without a zone."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DateOrder = Literal["us", "eu"]
"""Month or day first, where the year comes last."""

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Years of a bar: what lies outside is a typo, and would be days or centuries of empty calendar."""

_EPOCH = re.compile(r"\d{9,19}(\.\d+)?")
_EPOCH_DIGITS = {9: 1, 10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[ T:]*(\d{2}):?(\d{2}):?(\d{2})?)?\s*(.*)", re.DOTALL)
_YEAR_LAST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}(?!\d)")
_PARTED = re.compile(
    r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})"
    r"(?:[ T,]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:\.\d+)?)?\s*([ap]\.?m\.?)?)?\s*(.*)",
    re.IGNORECASE | re.DOTALL,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_NAMED = re.compile(
    r"(?:[a-z]{3,9},?\s+)?(?:(?P<day>\d{1,2})[\s./-]*(?P<month>[a-z]{3,9})|(?P<first>[a-z]{3,9})\.?[\s-]*(?P<second>\d{1,2}))"
    r"[\s,./-]+(?P<year>\d{4}|\d{2})(?!\d)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ZONES = {"ET": "America/New_York", "EASTERN": "America/New_York", "Z": "UTC", "GMT": "UTC", "CET": "Europe/Berlin"}
_OFFSETS = {"EST": -5, "EDT": -4}


def count_date_orders(cells: Iterable[str]) -> tuple[Counter[DateOrder], int]:
    """Count the *cells* with a day above 12 by the order that they show, and all cells where the year comes last."""
    counts: Counter[DateOrder] = Counter()
    year_last = 0
    for cell in cells:
        found = _YEAR_LAST.match(cell)
        if found is None:
            continue
        year_last += 1
        if int(found[1]) > 12:
            counts["eu"] += 1
        elif int(found[2]) > 12:
            counts["us"] += 1
    return counts, year_last


def parse_time(cell: str, order: DateOrder) -> datetime | None:
    """Return the time in *cell*, aware if it names a zone or is an epoch; None when it is none of these years."""
    try:
        time = _parse(cell, order)
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return None
    return time if time and FIRST_YEAR <= time.year <= LAST_YEAR else None


def find_zone(name: str) -> ZoneInfo:
    """Return the zone called *name*, IANA or a usual abbreviation; ValueError when there is none."""
    try:
        return ZoneInfo(_ZONES.get(name.upper(), name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}; name one like America/New_York or UTC") from error


def _parse(cell: str, order: DateOrder) -> datetime | None:
    if _EPOCH.fullmatch(cell) and (unit := _EPOCH_DIGITS.get(len(cell.partition(".")[0]))):
        seconds, rest = divmod(int(cell.partition(".")[0]), unit)
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest * 10**6 // unit)
    if found := _COMPACT.fullmatch(cell):
        year, month, day, hour, minute, second, zone = found.groups()
        return _with_zone(
            datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)),  # noqa: DTZ001
            zone,
        )
    if cell[:4].isdecimal() and cell[4:5] == "-":
        date, _, zone = cell.rpartition(" ")
        try:
            return datetime.fromisoformat(cell)
        except ValueError:
            return _with_zone(datetime.fromisoformat(date), zone)
    if found := _NAMED.fullmatch(cell):
        year = found["year"] if len(found["year"]) == 4 else f"20{found['year']}"
        cell = f"{year}/{_month(found['month'] or found['first'])}/{found['day'] or found['second']}{found['rest']}"
    if not (found := _PARTED.fullmatch(cell)):
        return None
    first, second, last, hour, minute, seconds, half, zone = found.groups()
    if len(first) == 4:
        year, month, day = int(first), int(second), int(last)
    else:
        month, day = (int(first), int(second)) if order == "us" else (int(second), int(first))
        year = int(last) + (2000 if len(last) == 2 else 0)
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
    return _with_zone(datetime(year, month, day, hours, int(minute or 0), int(seconds or 0)), zone)  # noqa: DTZ001


def _month(name: str) -> int:
    """Return the number of an English month, whole or abbreviated; ValueError when there is none."""
    for number, month in enumerate(_MONTHS, 1):
        if month.startswith(name.casefold()):
            return number
    raise ValueError(f"no month {name!r}")


def _with_zone(time: datetime, zone: str) -> datetime:
    zone = zone.strip().strip("()")
    if not zone:
        return time
    if zone.upper() in _OFFSETS:
        return (time - timedelta(hours=_OFFSETS[zone.upper()])).replace(tzinfo=UTC)
    if zone[0] in "+-":
        return datetime.fromisoformat(f"{time.isoformat()}{zone}")
    return time.replace(tzinfo=find_zone(zone))
