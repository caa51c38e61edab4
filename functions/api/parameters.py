"""What may be asked: the parameters of each endpoint, and the 400 that says what to change.

They are plain dataclasses, so that a question without parameters is its defaults and nothing else. A query string is
read into them by pydantic, which is loaded for the first one: it would be a fifth of every cold start.
"""

from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from functions.api.query_types import Instant, Tickers

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_BARS = 5000
MAX_SESSIONS = 400


@dataclass(frozen=True, kw_only=True)
class Query:
    """The parameters of an endpoint that has none."""

    __pydantic_config__ = {"extra": "forbid", "hide_input_in_errors": True}  # noqa: RUF012  pydantic wants a dict


@dataclass(frozen=True, kw_only=True)
class Window(Query):
    """A half-open window [start, end) of time."""

    start: Instant | None = field(default=None, metadata={"description": "First instant or day of the window"})
    end: Instant | None = field(default=None, metadata={"description": "First instant or day after the window"})

    def __post_init__(self) -> None:
        if self.start and self.end and self.start >= self.end:
            raise ValueError("end should be later than start; end itself is outside the window")


Interval = Literal["1h", "1d", "1w", "1mo"]
Format = Literal["json", "csv", "ndjson", "arrow"]


@dataclass(frozen=True, kw_only=True)
class TickerBars(Window):
    """Bars of the one ticker that the path names."""

    interval: Interval = field(
        default="1h", metadata={"description": "Length of a bar; all but 1h are derived by session from hourly bars"}
    )
    limit: int | None = field(
        default=None,
        metadata={
            "description": "Most bars a ticker in one answer; without start they are the newest",
            "ge": 1,
            "le": MAX_BARS,
        },
    )
    as_of: Instant | None = field(
        default=None,
        metadata={
            "description": "Only what had been fetched by then, each bar as it stood then; absent: what stands now"
        },
    )
    order: Literal["asc", "desc"] = field(
        default="asc", metadata={"description": "Oldest or newest first, within each ticker"}
    )
    cursor: str | None = field(
        default=None,
        metadata={"description": "From next_cursor: goes on there", "max_length": 6000, "pattern": "^[A-Za-z0-9_-]+$"},
    )
    format: Format | None = field(default=None, metadata={"description": "Wins over the Accept header"})


@dataclass(frozen=True, kw_only=True)
class Bars(TickerBars):
    """Bars of several tickers."""

    tickers: Tickers | None = field(
        default=None, metadata={"description": "Comma separated; all that are tracked, if absent"}
    )


MoverKind = Literal["gainers", "losers", "active", "unusual_volume", "volatile"]
Basis = Literal["previous_close", "previous_bar", "session_open"]


@dataclass(frozen=True, kw_only=True)
class Movers(Query):
    """Who moved, by what measure, against what."""

    kind: MoverKind = field(default="gainers", metadata={"description": "What they are ranked by"})
    basis: Basis = field(default="previous_close", metadata={"description": "What the newest bar is compared with"})
    limit: int = field(default=10, metadata={"description": "Most movers in the answer", "ge": 1, "le": 50})


@dataclass(frozen=True, kw_only=True)
class Coverage(Window):
    """How complete the stored hourly bars are."""

    tickers: Tickers | None = field(
        default=None, metadata={"description": "Comma separated; all that are tracked, if absent"}
    )
    detail: Literal["sessions", "totals"] = field(
        default="sessions", metadata={"description": "With each session and what it misses, or not"}
    )


Q = TypeVar("Q", bound=Query)


@cache
def adapter(model: type[Q]) -> "TypeAdapter[Q]":
    """Return what describes *model* in the OpenAPI document."""
    from pydantic import TypeAdapter

    return TypeAdapter(model)


def given(query: Query) -> dict[str, Any]:
    """Return the parameters in which *query* differs from asking for nothing in particular."""
    values = {one.name: getattr(query, one.name) for one in fields(query)}
    return {one.name: values[one.name] for one in fields(query) if values[one.name] != one.default}
