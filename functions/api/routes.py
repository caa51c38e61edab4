"""Which path asks what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Any

from psycopg import AsyncConnection

from functions.api.coverage import answer_coverage
from functions.api.latest import answer_latest
from functions.api.movers import answer_movers
from functions.api.ohlc import answer_ohlc
from functions.api.parameters import Bars, Coverage, Movers, Query, TickerBars
from functions.api.provider_usage import ProviderUsage
from functions.api.scene import Scene
from functions.api.status import answer_status
from functions.api.tickers import answer_ticker, answer_tickers
from shared.http.response_data import ResponseData, json_body


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what it is answered from. *query* is of the endpoint's model, *ticker* is that of the path."""

    connection: AsyncConnection
    scene: Scene
    query: Any
    ticker: str
    provider_usage: ProviderUsage


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path, its parameters, its handler, and the name of its response model; {ticker} at its end is a ticker."""

    path: str
    summary: str
    query: type[Query]
    answer: Callable[[Asked], Awaitable[ResponseData]]
    response: str


ENDPOINTS = (
    Endpoint(
        "/tickers",
        "Tracked tickers",
        Query,
        lambda asked: answer_tickers(asked.connection),
        "TickersResponse",
    ),
    Endpoint(
        "/tickers/{ticker}",
        "Profile of a company; market cap and shares in millions",
        Query,
        lambda asked: answer_ticker(asked.connection, asked.ticker),
        "ProfileResponse",
    ),
    Endpoint(
        "/latest",
        "Newest hourly bar of each ticker, with the change since the previous close",
        Query,
        lambda asked: answer_latest(asked.connection, asked.scene),
        "LatestResponse",
    ),
    Endpoint(
        "/ohlc/{ticker}",
        "Bars of a ticker: hourly as stored, or days, weeks and months made from whole sessions",
        TickerBars,
        lambda asked: answer_ohlc(asked.connection, asked.scene, asked.query, (asked.ticker,)),
        "BarsResponse",
    ),
    Endpoint(
        "/ohlc",
        "Bars of several tickers, by ticker, then by time",
        Bars,
        lambda asked: answer_ohlc(
            asked.connection, asked.scene, asked.query, asked.query.tickers or asked.scene.active
        ),
        "BarsResponse",
    ),
    Endpoint(
        "/movers",
        "Tickers that moved most; the response defines the ranking",
        Movers,
        lambda asked: answer_movers(asked.connection, asked.scene, asked.query),
        "MoversResponse",
    ),
    Endpoint(
        "/coverage",
        "Expected and stored bars of each session, and why bars are missing",
        Coverage,
        lambda asked: answer_coverage(
            asked.connection, asked.scene, asked.query, asked.query.tickers or asked.scene.active
        ),
        "CoverageResponse",
    ),
    Endpoint(
        "/status",
        "Market hours, age of the data, tickers with missing bars, provider budgets",
        Query,
        lambda asked: answer_status(asked.connection, asked.scene, asked.provider_usage),
        "StatusResponse",
    ),
)
ALIASES = {"/market_movers": "/movers"}
"""Other paths of the first system, and the paths they stand for."""


def directory() -> ResponseData:
    """Return the answer to `/`: what there is, with addresses relative to it."""
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
        "stale": "True when the database does not answer and nobody can say whether the answer still holds.",
        "times": "RFC 3339, UTC. A bar is named by its start. A window is half-open: end is outside. A date is a day "
        "in New York.",
        "numbers": "Exactly as stored: read prices as decimals.",
    }
    return ResponseData(json_body({"count": len(items), "about": about, "items": items}), max_age=300)
