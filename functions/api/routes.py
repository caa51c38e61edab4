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
    """A path, the parameters it takes, and who answers; one that ends in {ticker} has a ticker there."""

    path: str
    summary: str
    query: type[Query]
    answer: Callable[[Asked], Awaitable[ResponseData]]


ENDPOINTS = (
    Endpoint("/tickers", "The tickers that are tracked", Query, lambda asked: answer_tickers(asked.connection)),
    Endpoint(
        "/tickers/{ticker}",
        "What is known of one company; market cap and shares in millions",
        Query,
        lambda asked: answer_ticker(asked.connection, asked.ticker),
    ),
    Endpoint(
        "/latest",
        "Each ticker's own newest hourly bar, with the change since the close of the session before",
        Query,
        lambda asked: answer_latest(asked.connection, asked.scene),
    ),
    Endpoint(
        "/ohlc/{ticker}",
        "Bars of one ticker: hourly as stored, or days, weeks and months made of whole sessions",
        TickerBars,
        lambda asked: answer_ohlc(asked.connection, asked.scene, asked.query, (asked.ticker,)),
    ),
    Endpoint(
        "/ohlc",
        "Bars of several tickers, by ticker, then time",
        Bars,
        lambda asked: answer_ohlc(
            asked.connection, asked.scene, asked.query, asked.query.tickers or asked.scene.active
        ),
    ),
    Endpoint(
        "/movers",
        "Who moved most; the answer says what is compared with what",
        Movers,
        lambda asked: answer_movers(asked.connection, asked.scene, asked.query),
    ),
    Endpoint(
        "/coverage",
        "Which bars of the exchange's sessions are stored, and why others are not",
        Coverage,
        lambda asked: answer_coverage(
            asked.connection, asked.scene, asked.query, asked.query.tickers or asked.scene.active
        ),
    ),
    Endpoint(
        "/status",
        "Market hours, age of the data, who lags behind, provider budgets",
        Query,
        lambda asked: answer_status(asked.connection, asked.scene, asked.provider_usage),
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
