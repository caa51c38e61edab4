"""Parameters of the list of firings."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from shared.http.query import QueryType

MAX_FIRINGS = 200
_CURSOR = re.compile(r"before-([0-9]{1,17})-([0-9a-f]{32})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """The last firing of a page."""

    fired_at: datetime
    firing_id: str


def _before(text: str) -> str:
    if not _CURSOR.fullmatch(text):
        raise ValueError("should be a next_cursor of a response, unchanged")
    return text


def cursor_after(place: Place) -> str:
    """Return the cursor of the page after the firing at *place*."""
    return f"before-{(place.fired_at - _EPOCH) // _MICROSECOND}-{UUID(place.firing_id).hex}"


Cursor = Annotated[str, QueryType(_before, {"type": "string", "pattern": "^before-[0-9]{1,17}-[0-9a-f]{32}$"})]


@dataclass(frozen=True, kw_only=True)
class FiringsQuery:
    """Parameters of /alerts/firings and /alerts/{id}/firings."""

    limit: int = field(
        default=50, metadata={"description": "Maximum number; the newest come first", "ge": 1, "le": MAX_FIRINGS}
    )
    cursor: Cursor | None = field(default=None, metadata={"description": "next_cursor of the previous page"})

    @property
    def place(self) -> Place | None:
        """The last firing of the previous page."""
        match = _CURSOR.fullmatch(self.cursor or "")
        return Place(_EPOCH + int(match[1]) * _MICROSECOND, str(UUID(match[2]))) if match else None
