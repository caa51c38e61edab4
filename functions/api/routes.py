"""Endpoints of the reading API: path, summary, parameters and response."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from functions.api.calendar import respond_calendar
from functions.api.coverage import respond_coverage
from functions.api.disagreements import respond_disagreements
from functions.api.embed_parameters import Embed
from functions.api.indicators import respond_indicators
from functions.api.latest import respond_latest, respond_ticker_latest
from functions.api.market_state import MarketState
from functions.api.movers import respond_movers
from functions.api.ohlc import respond_ohlc
from functions.api.overview import respond_overview
from functions.api.parameters import (
    Bars,
    Coverage,
    Disagreements,
    Indicators,
    Latest,
    Movers,
    Query,
    Rejections,
    Search,
    Sessions,
    Splits,
    Table,
    TickerBars,
    TickerLatest,
)  # fmt: skip
from functions.api.provider_usage import ProviderUsage
from functions.api.rejections import respond_rejections
from functions.api.search import respond_search
from functions.api.splits import respond_splits
from functions.api.status import respond_status
from functions.api.tickers import respond_ticker, respond_tickers
from shared.http.response_data import ResponseData


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A query and its data sources: *query* is of the endpoint's model, *ticker* is the one in the path.

    *readable_from* is where history begins for the caller, None for the whole history. *public_url* is the page's
    address without a slash at its end, "" for the host of the request.
    """

    connection: AsyncConnection
    state: MarketState
    query: Any
    ticker: str
    readable_from: datetime | None
    provider_usage: ProviderUsage
    public_url: str = ""

    @property
    def tickers(self) -> tuple[str, ...]:
        """The tickers that the query names, all that are tracked if none; Problem 404 for an unknown one."""
        return self.state.resolve_tickers(self.query.tickers) if self.query.tickers else self.state.active

    @property
    def open_from(self) -> datetime | None:
        """Start of the bars of a query that states none; None for one that does."""
        return None if self.query.start else self.readable_from


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path, its parameters, its handler, and the name of its response model; {ticker} at its end is a ticker.

    *response* is "" for a document of *media_type*.
    *protected* names the action, if it requires a token. *follows_renames*: the path of a renamed ticker leads to its
    new name.
    """

    path: str
    summary: str
    query: type[Query]
    respond: Callable[[RequestContext], Awaitable[ResponseData]]
    response: str
    protected: str = ""
    follows_renames: bool = True
    media_type: str = "text/html"
    finish: Callable[[ResponseData], Awaitable[ResponseData]] | None = None
    """Last step, without a connection: it takes long and asks no database."""


async def _respond_embed(context: RequestContext) -> ResponseData:
    from functions.api.embed import respond_embed  # few processes need it

    return await respond_embed(context.connection, context.state, context.query, context.ticker, context.public_url)


async def _respond_picture(context: RequestContext) -> ResponseData:
    from functions.api.pictures.market import respond_market_picture
    from functions.api.pictures.stock import respond_stock_picture

    if context.ticker:
        return await respond_stock_picture(context.connection, context.state, context.ticker)
    return await respond_market_picture(context.connection, context.state)


async def _draw(data: ResponseData) -> ResponseData:
    from functions.api.pictures.response import draw

    return await draw(data)


ENDPOINTS = (
    Endpoint(
        "/tickers",
        "Tracked tickers",
        Table,
        lambda context: respond_tickers(context.connection, context.query),
        "TickersResponse",
    ),
    Endpoint(
        "/tickers/{ticker}",
        "Profile of a company; market cap and shares in millions",
        Query,
        lambda context: respond_ticker(context.connection, context.ticker),
        "ProfileResponse",
        follows_renames=False,
    ),
    Endpoint(
        "/search",
        "Tracked tickers by the start of the ticker or a part of the name, the best match first",
        Search,
        lambda context: respond_search(context.connection, context.state, context.query),
        "SearchResponse",
    ),
    Endpoint(
        "/latest",
        "Newest hourly bar of each ticker, with the change since the previous close",
        Latest,
        lambda context: respond_latest(
            context.connection, context.state, context.query, context.tickers if context.query.tickers else None
        ),
        "LatestResponse",
    ),
    Endpoint(
        "/latest/{ticker}",
        "Newest hourly bar of a ticker; a single value with fields=close&format=text",
        TickerLatest,
        lambda context: respond_ticker_latest(context.connection, context.state, context.query, context.ticker),
        "TickerLatestResponse",
    ),
    Endpoint(
        "/embed/{ticker}",
        "Price of a stock as a small document for frames of any site",
        Embed,
        _respond_embed,
        "",
    ),
    Endpoint(
        "/picture",
        "How many stocks rose and fell, and the largest moves, as a picture for previews of links (PNG, 1200 by 630)",
        Query,
        _respond_picture,
        "",
        media_type="image/png",
        finish=_draw,
    ),
    Endpoint(
        "/picture/{ticker}",
        "Price, change and chart of a stock as a picture for previews of links (PNG, 1200 by 630)",
        Query,
        _respond_picture,
        "",
        media_type="image/png",
        finish=_draw,
    ),
    Endpoint(
        "/overview",
        "The whole market in one small response: companies, the session so far, hourly closes of three sessions",
        Query,
        lambda context: respond_overview(context.connection, context.state),
        "OverviewResponse",
    ),
    Endpoint(
        "/ohlc/{ticker}",
        "Bars of a ticker: hourly as stored, or days, weeks and months made from whole sessions",
        TickerBars,
        lambda context: respond_ohlc(
            context.connection, context.state, context.query, (context.ticker,), context.open_from
        ),
        "BarsResponse",
    ),
    Endpoint(
        "/ohlc",
        "Bars of several tickers, by ticker, then by time",
        Bars,
        lambda context: respond_ohlc(
            context.connection,
            context.state,
            context.query,
            context.tickers,
            context.open_from,
        ),
        "BarsResponse",
    ),
    Endpoint(
        "/indicators/{ticker}",
        "Indicators over the bars of a ticker: averages, bands and oscillators, each figure with its bar",
        Indicators,
        lambda context: respond_indicators(
            context.connection, context.state, context.query, context.ticker, context.open_from, context.readable_from
        ),
        "IndicatorsResponse",
    ),
    Endpoint(
        "/movers",
        "Tickers that moved most; the response defines the ranking",
        Movers,
        lambda context: respond_movers(context.connection, context.state, context.query),
        "MoversResponse",
    ),
    Endpoint(
        "/splits",
        "Splits of shares, newest first, and whether the bars before each are on the new scale",
        Splits,
        lambda context: respond_splits(context.connection, context.state, context.query.ticker),
        "SplitsResponse",
    ),
    Endpoint(
        "/coverage",
        "Expected and stored bars of each session, and why bars are missing",
        Coverage,
        lambda context: respond_coverage(context.connection, context.state, context.query, context.tickers),
        "CoverageResponse",
    ),
    Endpoint(
        "/disagreements",
        "Figures of stored bars from which a second provider differs",
        Disagreements,
        lambda context: respond_disagreements(context.connection, context.query, context.tickers),
        "DisagreementsResponse",
    ),
    Endpoint(
        "/rejections",
        "Bars that were sent and not stored, newest first: the reason, the text as sent, what to do",
        Rejections,
        lambda context: respond_rejections(context.connection, context.state, context.query),
        "RejectionsResponse",
        protected="Listing rejected bars",
    ),
    Endpoint(
        "/calendar",
        "Sessions of the exchange, whether it trades now, and when that changes",
        Sessions,
        lambda context: respond_calendar(context.connection, context.state, context.query),
        "CalendarResponse",
    ),
    Endpoint(
        "/status",
        "Market hours, age of the data, tickers with missing bars, provider budgets",
        Query,
        lambda context: respond_status(context.connection, context.state, context.provider_usage),
        "StatusResponse",
    ),
)
ALIASES = {"/market_movers": "/movers"}
"""Other paths of the first system, and the paths they stand for."""
