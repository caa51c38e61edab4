"""Endpoints of the reading API: path, summary, parameters and response."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from functions.api.coverage import respond_coverage
from functions.api.disagreements import respond_disagreements
from functions.api.latest import respond_latest
from functions.api.market_state import MarketState
from functions.api.movers import respond_movers
from functions.api.ohlc import respond_ohlc
from functions.api.overview import respond_overview
from functions.api.parameters import Bars, Coverage, Disagreements, Movers, Query, Rejections, Splits, TickerBars
from functions.api.provider_usage import ProviderUsage
from functions.api.rejections import respond_rejections
from functions.api.splits import respond_splits
from functions.api.status import respond_status
from functions.api.tickers import respond_ticker, respond_tickers
from shared.http.response_data import ResponseData, json_body


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A query and its data sources: *query* is of the endpoint's model, *ticker* is the one in the path.

    *open_from* is where history begins for the caller, None for the whole history.
    """

    connection: AsyncConnection
    state: MarketState
    query: Any
    ticker: str
    open_from: datetime | None
    provider_usage: ProviderUsage


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path, its parameters, its handler, and the name of its response model; {ticker} at its end is a ticker.

    *protected* names what only callers with a token may read.
    """

    path: str
    summary: str
    query: type[Query]
    respond: Callable[[RequestContext], Awaitable[ResponseData]]
    response: str
    protected: str = ""


ENDPOINTS = (
    Endpoint(
        "/tickers",
        "Tracked tickers",
        Query,
        lambda context: respond_tickers(context.connection),
        "TickersResponse",
    ),
    Endpoint(
        "/tickers/{ticker}",
        "Profile of a company; market cap and shares in millions",
        Query,
        lambda context: respond_ticker(context.connection, context.ticker),
        "ProfileResponse",
    ),
    Endpoint(
        "/latest",
        "Newest hourly bar of each ticker, with the change since the previous close",
        Query,
        lambda context: respond_latest(context.connection, context.state),
        "LatestResponse",
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
            context.query.tickers or context.state.active,
            context.open_from,
        ),
        "BarsResponse",
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
        lambda context: respond_coverage(
            context.connection, context.state, context.query, context.query.tickers or context.state.active
        ),
        "CoverageResponse",
    ),
    Endpoint(
        "/disagreements",
        "Figures of stored bars from which a second provider differs",
        Disagreements,
        lambda context: respond_disagreements(
            context.connection, context.state, context.query, context.query.tickers or context.state.active
        ),
        "DisagreementsResponse",
    ),
    Endpoint(
        "/rejections",
        "Bars that were sent and not stored, newest first: the reason, the text as sent, what to do",
        Rejections,
        lambda context: respond_rejections(context.connection, context.state, context.query),
        "RejectionsResponse",
        protected="A list of rejected bars",
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


def index() -> ResponseData:
    """Return the response to `/`: the endpoints, with addresses relative to it."""
    items = [
        {
            "href": endpoint.path[1:],
            "summary": endpoint.summary,
            "parameters": {field.name: field.metadata["description"] for field in fields(endpoint.query)},
        }
        for endpoint in ENDPOINTS
    ]
    about = {
        "name": "StocksALot",
        "as_of": "In market answers, the end of the newest bar in them.",
        "source": "In market answers, where the bars come from: a name, or mixed; sources lists them all.",
        "stale": "True when the database does not respond, so that the response may be outdated.",
        "times": "RFC 3339, UTC. A bar is named by its start. A window is half-open: end is outside. A date is a day "
        "in New York.",
        "numbers": "Exactly as stored: read prices as decimals.",
    }
    return ResponseData(json_body({"count": len(items), "about": about, "items": items}), max_age=300)
