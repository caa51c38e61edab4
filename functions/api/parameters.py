"""Parameters of each endpoint: plain dataclasses, so that a query without parameters is its defaults.

`shared/http/query.py` reads a query string into them. Pydantic describes them in the OpenAPI document alone: loading
it would be a fifth of every cold start.
"""

from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from functions.api.indicator_requests import MAX_INDICATORS, USUAL
from functions.api.query_types import End, IndicatorList, Instant, LatestFields, Ticker, Tickers
from shared.auth.names import MAX_NAME

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_BARS = 5000
MAX_SESSIONS = 400


@dataclass(frozen=True, kw_only=True)
class Query:
    """The parameters of an endpoint that has none."""

    __pydantic_config__ = {"extra": "forbid", "hide_input_in_errors": True}  # noqa: RUF012  pydantic wants a dict

    def __post_init__(self) -> None:
        """Refuse parameters that exclude each other, with a ValueError whose first word is the parameter."""


@dataclass(frozen=True, kw_only=True)
class Window(Query):
    """A half-open window [start, end) of time."""

    start: Instant | None = field(default=None, metadata={"description": "First instant or day of the window"})
    end: End | None = field(default=None, metadata={"description": "First instant or day after the window"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start and self.end and self.start >= self.end:
            raise ValueError("end should be later than start; end itself is outside the window")


@dataclass(frozen=True, kw_only=True)
class Selection(Query):
    """Several tickers: named here, or those of a list of the caller's account."""

    tickers: Tickers | None = field(
        default=None, metadata={"description": "Comma separated; all that are tracked, if absent"}
    )
    list: str | None = field(
        default=None,
        metadata={"description": "Name of a list of your account, instead of tickers", "max_length": MAX_NAME},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.list is not None and self.tickers:
            raise ValueError("list cannot be combined with tickers")


@dataclass(frozen=True, kw_only=True)
class Table(Query):
    """A table, as JSON or as a file."""

    format: Literal["json", "csv", "ndjson"] | None = field(
        default=None, metadata={"description": "Wins over the Accept header"}
    )


@dataclass(frozen=True, kw_only=True)
class Latest(Table, Selection):
    """The newest bars."""

    fields: LatestFields | None = field(
        default=None, metadata={"description": "Only these members of each item, comma separated, in this order"}
    )


@dataclass(frozen=True, kw_only=True)
class TickerLatest(Query):
    """The newest bar of the one ticker that the path names."""

    fields: LatestFields | None = field(
        default=None, metadata={"description": "Only these members, comma separated, in this order"}
    )
    format: Literal["json", "csv", "ndjson", "text"] | None = field(
        default=None, metadata={"description": "Wins over the Accept header; text is the value of one field alone"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.format == "text" and len(self.fields or ()) != 1:
            raise ValueError("fields should name one field, such as close, for format=text")


@dataclass(frozen=True, kw_only=True)
class Search(Table):
    """Words to look for among the tickers and names of companies."""

    q: str = field(
        default="", metadata={"description": "Start of a ticker, or part of a name", "min_length": 1, "max_length": 60}
    )
    limit: int = field(default=10, metadata={"description": "Most tickers in the response", "ge": 1, "le": 100})

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.q.strip() or not self.q.isprintable():
            raise ValueError("q should be a ticker or a part of a name, such as q=micro")


@dataclass(frozen=True, kw_only=True)
class Sessions(Table, Window):
    """Sessions of the exchange that trade in a window."""


Interval = Literal["1h", "1d", "1w", "1mo"]
Format = Literal["json", "csv", "ndjson", "arrow"]


@dataclass(frozen=True, kw_only=True)
class History(Window):
    """Bars, or figures computed from them; without a token, of the last days alone."""

    interval: Interval = field(
        default="1h", metadata={"description": "Length of a bar; all but 1h are derived by session from hourly bars"}
    )
    limit: int | None = field(
        default=None,
        metadata={"description": "Most bars a ticker; without start they are the newest", "ge": 1, "le": MAX_BARS},
    )
    as_of: Instant | None = field(
        default=None,
        metadata={
            "description": "Only bars that had been fetched by then, each as it stood then; absent: as they stand now"
        },
    )
    order: Literal["asc", "desc"] = field(
        default="asc", metadata={"description": "Oldest or newest first, within each ticker"}
    )
    cursor: str | None = field(
        default=None,
        metadata={"description": "next_cursor of the previous page", "max_length": 6000, "pattern": "^[A-Za-z0-9_-]+$"},
    )


@dataclass(frozen=True, kw_only=True)
class TickerBars(History):
    """Bars of the one ticker that the path names."""

    adjust: Literal["splits", "none"] = field(
        default="splits",
        metadata={"description": "Prices on the scale of today, or as they were traded (1h and 1d)"},
    )
    format: Format | None = field(default=None, metadata={"description": "Wins over the Accept header"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.adjust == "none" and self.interval not in ("1h", "1d"):
            raise ValueError(
                "adjust should be splits: a week or month with a split in it has no single scale otherwise"
            )


@dataclass(frozen=True, kw_only=True)
class Indicators(Table, History):
    """Indicators over the bars of the one ticker that the path names."""

    indicators: IndicatorList = field(
        default=USUAL,
        metadata={
            "description": f"Comma separated, each with its parameters or the usual ones: {', '.join(USUAL)}. "
            f"2 to 400 bars, of Wilder's and for the signal 2 to 200; at most {MAX_INDICATORS}"
        },
    )


@dataclass(frozen=True, kw_only=True)
class Bars(TickerBars, Selection):
    """Bars of several tickers."""


@dataclass(frozen=True, kw_only=True)
class Splits(Query):
    """Splits of one ticker or of all."""

    ticker: Ticker | None = field(default=None, metadata={"description": "One ticker; all, if absent"})


@dataclass(frozen=True, kw_only=True)
class Rejections(Query):
    """Rejected bars of one ticker or of all."""

    ticker: Ticker | None = field(default=None, metadata={"description": "One ticker; all, if absent"})
    limit: int = field(default=100, metadata={"description": "Most bars in the response", "ge": 1, "le": 500})
    cursor: int | None = field(
        default=None, metadata={"description": "next_cursor of the previous page", "ge": 1, "le": 999_999_999_999}
    )


MoverKind = Literal["gainers", "losers", "active", "unusual_volume", "volatile"]
Basis = Literal["previous_close", "previous_bar", "session_open"]


@dataclass(frozen=True, kw_only=True)
class Movers(Table):
    """Ranking of tickers by a measure against a basis."""

    kind: MoverKind = field(default="gainers", metadata={"description": "Measure of the ranking"})
    basis: Basis = field(default="previous_close", metadata={"description": "Price that changes are measured from"})
    limit: int = field(default=10, metadata={"description": "Most movers in the response", "ge": 1, "le": 1000})


@dataclass(frozen=True, kw_only=True)
class Coverage(Table, Selection, Window):
    """Completeness of the stored hourly bars."""

    detail: Literal["sessions", "totals"] = field(
        default="sessions", metadata={"description": "With each session and its missing bars, or totals alone"}
    )


@dataclass(frozen=True, kw_only=True)
class Disagreements(Selection, Window):
    """Query of /disagreements."""

    state: Literal["open", "all"] = field(
        default="open", metadata={"description": "Those that still differ, or the resolved ones too"}
    )
    limit: int = field(default=100, metadata={"description": "Maximum number of items", "ge": 1, "le": 1000})


Q = TypeVar("Q", bound=Query)


@cache
def adapter(model: type[Q]) -> "TypeAdapter[Q]":
    """Return the description of *model* for the OpenAPI document."""
    from pydantic import TypeAdapter

    return TypeAdapter(model)


def changed_parameters(query: Query) -> dict[str, Any]:
    """Return the parameters of *query* that differ from their defaults."""
    values = {one.name: getattr(query, one.name) for one in fields(query)}
    return {one.name: values[one.name] for one in fields(query) if values[one.name] != one.default}
