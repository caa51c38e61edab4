"""The tools: each asks one public path and answers what fits a conversation."""

from datetime import date
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field
from starlette.requests import Request

from functions.mcp.answers import A, Bars, Coverage, Insights, Latest, Movers, Status, Tickers
from functions.mcp.settings import Settings
from functions.mcp.upstream import Upstream

INSTRUCTIONS = (
    "Market data of the 50 biggest US stocks: hourly bars and what follows from them, kept by a StocksALot. "
    "Every answer says how old it is (as_of) and where its figures come from (source; simulated means invented): "
    "say so too when you quote one. Instants are UTC; dates are days in New York. "
    "Prices are for information and are no advice. A refusal says what to change."
)
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_MOST_BARS = 300

TickerList = Annotated[
    list[str], Field(min_length=1, max_length=20, description="Such as AAPL, BRK.A; tickers lists those there are")
]
Moment = Annotated[str, Field(description="A date (a day in New York) or an RFC 3339 instant", examples=["2026-11-20"])]


class Tools:
    """The tools over the public functions; what each says of itself is its docstring."""

    def __init__(self, api: Upstream, insights: Upstream) -> None:
        self._api = api
        self._insights = insights

    async def latest(self, context: Context, tickers: TickerList | None = None) -> Annotated[CallToolResult, Latest]:
        """The newest hourly bar of each ticker, with the change since the last session's close."""
        answer = await self._api.get("/latest", {}, _caller(context))
        if tickers:
            wanted = {ticker.upper() for ticker in tickers}
            # Those that are not tracked are refused in the API's own words; one that has no bar yet passes.
            if others := wanted - {item["ticker"] for item in answer["items"]}:
                await self._api.get("/ohlc", {"tickers": ",".join(others), "limit": 1}, _caller(context))
            answer["items"] = [item for item in answer["items"] if item["ticker"] in wanted]
        return _told(Latest, answer)

    async def bars(
        self,
        context: Context,
        tickers: TickerList,
        interval: Annotated[Literal["1h", "1d", "1w", "1mo"], Field(description="Length of a bar")] = "1d",
        start: Moment | None = None,
        end: Annotated[Moment | None, Field(description="First instant or day that is outside")] = None,
        as_of: Annotated[Moment | None, Field(description="Only what was known then, as it stood then")] = None,
        limit: Annotated[int, Field(ge=1, le=_MOST_BARS, description="Most bars in all")] = 60,
    ) -> Annotated[CallToolResult, Bars]:
        """Open, high, low, close and volume over time; without a start the newest bars."""
        each = max(limit // len(set(tickers)), 1)
        window = {"start": start, "end": end, "as_of": as_of}
        query = {"tickers": ",".join(tickers), "interval": interval, "limit": each, **window}
        answer = await self._api.get("/ohlc", query, _caller(context))
        return _told(Bars, answer | {"more": answer["next_cursor"] is not None})

    async def movers(
        self,
        context: Context,
        kind: Literal["gainers", "losers", "active", "unusual_volume", "volatile"] = "gainers",
        basis: Annotated[
            Literal["previous_close", "previous_bar", "session_open"], Field(description="What is compared with")
        ] = "previous_close",
        limit: Annotated[int, Field(ge=1, le=50)] = 5,
    ) -> Annotated[CallToolResult, Movers]:
        """Who moved most; definition says what was measured, against what."""
        query = {"kind": kind, "basis": basis, "limit": limit}
        answer = await self._api.get("/movers", query, _caller(context))
        return _told(Movers, answer | {"items": [_mover(item) for item in answer["items"]]})

    async def insights(
        self,
        context: Context,
        ticker: Annotated[str | None, Field(description="Only what tells of this one")] = None,
        session: Annotated[date | None, Field(description="Only that day's")] = None,
        hours: Annotated[int, Field(ge=1, le=7, description="How many, newest first")] = 1,
    ) -> Annotated[CallToolResult, Insights]:
        """What is worth knowing about the last hours, in sentences whose every figure was computed from the bars."""
        query = {"ticker": ticker, "date": session, "limit": hours}
        return _told(Insights, await self._insights.get("/insights", query, _caller(context)))

    async def coverage(
        self,
        context: Context,
        tickers: TickerList | None = None,
        start: Moment | None = None,
        end: Annotated[Moment | None, Field(description="First day that is outside")] = None,
    ) -> Annotated[CallToolResult, Coverage]:
        """How many of the hourly bars that the exchange's sessions call for are stored, and why others are not."""
        names = ",".join(tickers) if tickers else None
        query = {"tickers": names, "start": start, "end": end, "detail": "totals"}
        answer = await self._api.get("/coverage", query, _caller(context))
        incomplete = [one for one in answer["tickers"] if one["present"] < one["expected"]]
        return _told(Coverage, answer | {"incomplete": incomplete})

    async def tickers(self, context: Context) -> Annotated[CallToolResult, Tickers]:
        """The tickers there are, with the companies' names."""
        return _told(Tickers, await self._api.get("/tickers", {}, _caller(context)))

    async def status(self, context: Context) -> Annotated[CallToolResult, Status]:
        """Whether the market is open, when the next bar is due, and how old the data are."""
        return _told(Status, await self._api.get("/status", {}, _caller(context)))


def make_server(settings: Settings) -> MCPServer:
    """Return the server with its tools."""
    # No change is ever told of: a stream that waits for one would keep a copy running for nothing.
    server = MCPServer("stocksalot", title="StocksALot", instructions=INSTRUCTIONS, version="1", subscriptions=False)
    tools = Tools(Upstream(settings.api_url), Upstream(settings.insights_url))
    for tool in (
        tools.latest,
        tools.bars,
        tools.movers,
        tools.insights,
        tools.coverage,
        tools.tickers,
        tools.status,
    ):
        server.add_tool(tool, annotations=_READS)
    return server


def _caller(context: Context) -> Request | None:
    """Return the request that a tool was called with."""
    return context.request_context.request


def _mover(item: dict[str, Any]) -> dict[str, Any]:
    """Return a mover of the API as one flat object."""
    profile, bar, window = item["profile"], item["current_metrics"], item["window"]
    return item | bar | window | {"ticker": profile["ticker"], "name": profile["name"], "end": bar["end"]}


def _told(model: type[A], answer: dict[str, Any]) -> CallToolResult:
    """Return *answer*, cut down to *model*, as an object and as the same in text, without spaces that cost tokens."""
    made: BaseModel = model.model_validate(answer)
    text = made.model_dump_json()
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=made.model_dump(mode="json")
    )
