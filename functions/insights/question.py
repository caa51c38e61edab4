"""What a reader may ask of /insights, and the 400 that says what to change."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from shared.http.problem import Problem, bad_parameters
from shared.http.query import MAX_QUERY_BYTES

STANDARD_HOURS = 7
"""A session's worth, if nobody says how many."""
MOST_HOURS = 35
_TICKER = re.compile(r"[A-Z][A-Z0-9.-]{0,14}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURSOR = re.compile(r"before-([0-9]{1,11})")


class Asked(NamedTuple):
    """Hours of the *session* of that date, or the newest; those that tell of *ticker*; before the instant *before*."""

    session: date | None = None
    ticker: str | None = None
    limit: int = STANDARD_HOURS
    before: datetime | None = None

    def after(self, start: datetime) -> str:
        """Return the query that goes on with the hours before *start*."""
        parts = {
            "date": self.session,
            "ticker": self.ticker,
            "limit": self.limit if self.limit != STANDARD_HOURS else None,
        }
        given = {name: str(value) for name, value in parts.items() if value is not None}
        return urlencode({**given, "cursor": cursor_before(start)})


def cursor_before(start: datetime) -> str:
    """Return the cursor that goes on with the hours before *start*."""
    return f"before-{int(start.timestamp())}"


def read_asked(query: bytes) -> Asked:
    """Return what the query string *query* asks; Problem 400 that names each parameter that is wrong."""
    if len(query) > MAX_QUERY_BYTES:
        raise Problem(414, "query-too-long", "Query too long", f"A query may have {MAX_QUERY_BYTES} bytes.")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise bad_parameters(
            [("", "The query is not made of UTF-8 in percent encoding, or of more than 20 parts.")]
        ) from None
    faults: list[tuple[str, str]] = []
    values: dict[str, object] = {}
    for name, text in pairs:
        field, read = _PARAMETERS.get(name, ("", _unknown))
        try:
            if field in values:
                raise ValueError("is given more than once; give it once")
            values[field] = read(text)
        except ValueError as error:
            faults.append((name[:100], str(error)))
    if faults:
        raise bad_parameters(faults)
    return Asked(**values)  # pyright: ignore[reportArgumentType]  each was read as what its field is


def _date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("should be a day at the exchange, such as 2026-11-20")


def _ticker(text: str) -> str:
    if not text.isascii() or not _TICKER.fullmatch(text.upper()):
        raise ValueError("should be a ticker such as AAPL or BRK.A")
    return text.upper()


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MOST_HOURS:
        raise ValueError(f"should be a number of hours from 1 to {MOST_HOURS}")
    return int(text)


def _before(text: str) -> datetime:
    if not (match := _CURSOR.fullmatch(text)):
        raise ValueError("should be a next_cursor as it was given")
    return datetime.fromtimestamp(int(match[1]), UTC)


def _unknown(_: str) -> object:
    raise ValueError(f"is not a parameter here; there are: {', '.join(sorted(_PARAMETERS))}")


_PARAMETERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "date": ("session", _date),
    "ticker": ("ticker", _ticker),
    "limit": ("limit", _limit),
    "cursor": ("before", _before),
}
