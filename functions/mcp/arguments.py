"""Arguments of the MCP tools. Each class becomes the tool's input schema; unknown fields are refused."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

MAX_TICKERS = 20
MAX_BARS = 300
MAX_MOVERS = 100

TickerList = Annotated[
    list[Annotated[str, Meta(max_length=15)]],
    Meta(min_length=1, max_length=MAX_TICKERS, description="Such as AAPL, BRK.A; the tool tickers finds them"),
]
ListName = Annotated[str, Meta(max_length=100, description="Name of a list of the account, instead of tickers")]
Moment = Annotated[
    str, Meta(max_length=40, description="A day in New York (2026-11-20), or an instant with its offset")
]
End = Annotated[str, Meta(max_length=40, description="First day or instant after the window")]
After = Annotated[str, Meta(max_length=15, description="From next of a result: the tickers after this one")]
Cursor = Annotated[str, Meta(max_length=6000, description="From next of a result, all else unchanged")]


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of a tool without any."""


class Latest(Arguments, frozen=True, kw_only=True):
    """Arguments of `latest`."""

    tickers: TickerList | None = None
    list: ListName | None = None
    after: After | None = None


class Bars(Arguments, frozen=True, kw_only=True):
    """Arguments of `bars`."""

    tickers: TickerList
    interval: Annotated[Literal["1h", "1d", "1w", "1mo"], Meta(description="Length of a bar")] = "1d"
    start: Moment | None = None
    end: End | None = None
    as_of: Annotated[str, Meta(max_length=40, description="Bars as they were known then")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_BARS, description="Most bars in total, at least one a ticker")] = 60
    cursor: Cursor | None = None


class Movers(Arguments, frozen=True, kw_only=True):
    """Arguments of `movers`."""

    kind: Literal["gainers", "losers", "active", "unusual_volume", "volatile"] = "gainers"
    basis: Annotated[
        Literal["previous_close", "previous_bar", "session_open"], Meta(description="Price of comparison")
    ] = "previous_close"
    limit: Annotated[int, Meta(ge=1, le=MAX_MOVERS)] = 5
    after: Annotated[int, Meta(ge=0, le=1000, description="From next of a result: the ranks after this one")] = 0


class Insights(Arguments, frozen=True, kw_only=True):
    """Arguments of `insights`."""

    ticker: Annotated[str, Meta(max_length=15, description="Only insights about it")] | None = None
    list: ListName | None = None
    session: Annotated[str, Meta(max_length=10, description="Only this day")] | None = None
    hours: Annotated[int, Meta(ge=1, le=7, description="Number of hours, newest first")] = 1
    cursor: Cursor | None = None


class Coverage(Arguments, frozen=True, kw_only=True):
    """Arguments of `coverage`."""

    tickers: TickerList | None = None
    start: Moment | None = None
    end: End | None = None
    after: After | None = None


class Tickers(Arguments, frozen=True, kw_only=True):
    """Arguments of `tickers`."""

    search: Annotated[str, Meta(min_length=1, max_length=60, description="Part of a name or ticker")] | None = None
    after: After | None = None


class SetAlert(Arguments, frozen=True, kw_only=True):
    """Arguments of `set_alert`."""

    kind: Literal["price", "change", "volume", "extreme", "insight", "missing"]
    ticker: Annotated[str, Meta(max_length=15, description="* for every stock")] | None = None
    list: ListName | None = None
    direction: (
        Annotated[
            Literal["above", "below", "up", "down", "any", "high", "low"],
            Meta(description="price: above, below; change: up, down, any; extreme: high, low"),
        ]
        | None
    ) = None
    basis: Annotated[Literal["previous_close", "session_open"], Meta(description="Of change")] | None = None
    span: Annotated[Literal["20_sessions", "52_weeks"], Meta(description="Of extreme")] | None = None
    amount: Annotated[float, Meta(description="USD, percent, or times the usual volume")] | None = None
    repeat: Literal["once", "session", "always"] = "once"


class Calendar(Arguments, frozen=True, kw_only=True):
    """Arguments of `calendar`."""

    start: Moment | None = None
    end: End | None = None
