"""MCP tools: each requests one public path and returns the part that fits a conversation."""

from datetime import date
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import CallToolResult, ToolAnnotations
from pydantic import ConfigDict, Field, create_model
from starlette.requests import Request

from functions.mcp.client import Client
from functions.mcp.results import SCHEMAS, make_result
from functions.mcp.settings import Settings

INSTRUCTIONS = (
    "Market data of the 50 largest US stocks from a StocksALot: hourly bars, and figures computed from them. "
    "Every result has its age (as_of) and its source (simulated means invented): state both when you quote a figure. "
    "Instants are UTC; dates are days in New York. "
    "Prices are for information, not advice. An error says what to change."
)
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_MAX_BARS = 300
_MAX_TICKERS = 1000
"""As many movers as the API returns."""

TickerList = Annotated[
    list[str], Field(min_length=1, max_length=20, description="For example AAPL, BRK.A; the tool tickers lists all")
]
Moment = Annotated[str, Field(description="A date (a day in New York) or an RFC 3339 instant", examples=["2026-11-20"])]


class Tools:
    """The tools over the public functions. The docstring of each is its description for the model."""

    def __init__(self, api: Client, insights: Client) -> None:
        self._api = api
        self._insights = insights

    async def latest(self, context: Context, tickers: TickerList | None = None) -> CallToolResult:
        """Newest hourly bar of each ticker, with the change since the previous close."""
        query = {"tickers": ",".join(tickers) if tickers else None}
        return make_result("latest", await self._api.get("/latest", query, _caller(context)))

    async def bars(
        self,
        context: Context,
        tickers: TickerList,
        interval: Annotated[Literal["1h", "1d", "1w", "1mo"], Field(description="Length of a bar")] = "1d",
        start: Moment | None = None,
        end: Annotated[Moment | None, Field(description="First instant or day after the window")] = None,
        as_of: Annotated[Moment | None, Field(description="Bars as they were known at this instant")] = None,
        limit: Annotated[int, Field(ge=1, le=_MAX_BARS, description="Maximum number of bars in total")] = 60,
    ) -> CallToolResult:
        """Open, high, low, close and volume over time. Without a start: the newest bars."""
        each = max(limit // len(set(tickers)), 1)
        window = {"start": start, "end": end, "as_of": as_of}
        query = {"tickers": ",".join(tickers), "interval": interval, "limit": each, **window}
        answer = await self._api.get("/ohlc", query, _caller(context))
        return make_result("bars", answer | {"more": answer["next_cursor"] is not None})

    async def movers(
        self,
        context: Context,
        kind: Literal["gainers", "losers", "active", "unusual_volume", "volatile"] = "gainers",
        basis: Annotated[
            Literal["previous_close", "previous_bar", "session_open"],
            Field(description="Price of comparison"),
        ] = "previous_close",
        limit: Annotated[int, Field(ge=1, le=_MAX_TICKERS)] = 5,
    ) -> CallToolResult:
        """Tickers that moved most. definition explains the ranking."""
        query = {"kind": kind, "basis": basis, "limit": limit}
        answer = await self._api.get("/movers", query, _caller(context))
        return make_result("movers", answer | {"items": [_mover(item) for item in answer["items"]]})

    async def insights(
        self,
        context: Context,
        ticker: Annotated[str | None, Field(description="Only insights about this ticker")] = None,
        session: Annotated[date | None, Field(description="Only this session")] = None,
        hours: Annotated[int, Field(ge=1, le=7, description="Number of hours, newest first")] = 1,
    ) -> CallToolResult:
        """Noteworthy events of the last hours, in sentences. Every figure is computed from the bars."""
        query = {"ticker": ticker, "date": session, "limit": hours}
        return make_result("insights", await self._insights.get("/insights", query, _caller(context)))

    async def coverage(
        self,
        context: Context,
        tickers: TickerList | None = None,
        start: Moment | None = None,
        end: Annotated[Moment | None, Field(description="First day after the window")] = None,
    ) -> CallToolResult:
        """Expected and stored hourly bars, and the number of missing bars by reason."""
        names = ",".join(tickers) if tickers else None
        query = {"tickers": names, "start": start, "end": end, "detail": "totals"}
        answer = await self._api.get("/coverage", query, _caller(context))
        incomplete = [one for one in answer["tickers"] if one["present"] < one["expected"]]
        return make_result("coverage", answer | {"incomplete": incomplete})

    async def tickers(self, context: Context) -> CallToolResult:
        """Tracked tickers, with company names."""
        return make_result("tickers", await self._api.get("/tickers", {}, _caller(context)))

    async def status(self, context: Context) -> CallToolResult:
        """Market hours, time of the next bar, and age of the data."""
        return make_result("status", await self._api.get("/status", {}, _caller(context)))


def make_server(settings: Settings) -> MCPServer:
    """Return the MCP server with its tools."""
    # Tools and resources never change: a stream of changes would hold a replica for nothing.
    server = MCPServer("stocksalot", title="StocksALot", instructions=INSTRUCTIONS, version="1", subscriptions=False)
    tools = Tools(Client(settings.api_url), Client(settings.insights_url))
    for tool in (
        tools.latest,
        tools.bars,
        tools.movers,
        tools.insights,
        tools.coverage,
        tools.tickers,
        tools.status,
    ):
        # The SDK reads the schema of a result from the return annotation.
        model = create_model(tool.__name__, __config__=ConfigDict(json_schema_extra=SCHEMAS[tool.__name__]))
        tool.__func__.__annotations__["return"] = Annotated[CallToolResult, model]
        server.add_tool(tool, annotations=_READS)
    return server


def _caller(context: Context) -> Request | None:
    """Return the HTTP request of a tool call."""
    return context.request_context.request


def _mover(item: dict[str, Any]) -> dict[str, Any]:
    """Return a mover of the API as one flat object."""
    profile, bar, window = item["profile"], item["current_metrics"], item["window"]
    return item | bar | window | {"ticker": profile["ticker"], "name": profile["name"], "end": bar["end"]}
