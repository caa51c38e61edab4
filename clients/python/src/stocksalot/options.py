"""Parameters that several methods share."""

from datetime import date, datetime
from typing import Literal, TypedDict

Instant = datetime | date | str | None
"""An instant with its time zone, or a day in New York."""
MoverKind = Literal["gainers", "losers", "active", "unusual_volume", "volatile"]
Basis = Literal["previous_close", "previous_bar", "session_open"]


class HistoryOptions(TypedDict, total=False):
    """A window [start, end) of bars, and the page of it."""

    interval: Literal["1h", "1d", "1w", "1mo"]
    start: Instant
    end: Instant
    as_of: datetime | str | None
    """Only bars that had been fetched by then."""
    limit: int | None
    order: Literal["asc", "desc"]
    cursor: str | None
    """Of the page before."""


class BarOptions(HistoryOptions, total=False):
    """Of bars alone."""

    adjust: Literal["splits", "none"]
