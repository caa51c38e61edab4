"""What api promises: its paths with their parameters and answers, for the one document of all functions."""

from functions.api.about import DirectoryAnswer, DocumentAnswer, StatusAnswer
from functions.api.answers import (
    BarsAnswer,
    CoverageAnswer,
    LatestAnswer,
    MoversAnswer,
    ProfileAnswer,
    TickersAnswer,
)
from functions.api.columns import ARROW
from functions.api.parameters import Query
from functions.api.routes import ENDPOINTS
from functions.api.tables import NDJSON
from functions.contract.operation import Operation

_ANSWERS = {
    "/tickers": TickersAnswer,
    "/tickers/{ticker}": ProfileAnswer,
    "/latest": LatestAnswer,
    "/ohlc/{ticker}": BarsAnswer,
    "/ohlc": BarsAnswer,
    "/movers": MoversAnswer,
    "/coverage": CoverageAnswer,
    "/status": StatusAnswer,
}
_TABLES = {
    "text/csv": "The items as RFC 4180 with a head; what JSON has around them is in X-As-Of, X-Source and Link",
    NDJSON: "One item a line",
    ARROW: "The items as an Arrow IPC file, prices as exact decimals; needs a token, and pyarrow in the installation",
}
_CACHED = ("ETag", "Cache-Control")


def _operation(path: str, summary: str, query: type[Query]) -> Operation:
    """Return what the endpoint at *path* promises."""
    table = path.startswith("/ohlc")
    one = path.endswith("{ticker}")
    return Operation(
        method="get",
        path=path,
        group="Market data",
        summary=summary,
        answer=_ANSWERS[path],
        query=query,
        others=_TABLES if table else {},
        path_examples={"ticker": "AAPL"} if one else {},
        problems=((404,) if one or "tickers" in query.__dataclass_fields__ else ()) + ((406,) if table else ()),
        headers=(*_CACHED, *(("Link", "X-As-Of", "X-Source", "Content-Disposition") if table else ())),
    )


OPERATIONS = (
    *(_operation(endpoint.path, endpoint.summary, endpoint.query) for endpoint in ENDPOINTS),
    Operation(
        method="get",
        path="/market_movers",
        group="Market data",
        summary="The same as /movers, under its first name",
        answer=MoversAnswer,
        query=next(endpoint.query for endpoint in ENDPOINTS if endpoint.path == "/movers"),
        headers=_CACHED,
    ),
    Operation(
        method="get",
        path="/",
        group="About",
        summary="What there is",
        answer=DirectoryAnswer,
        query=Query,
        headers=_CACHED,
    ),
    Operation(
        method="get",
        path="/openapi.json",
        group="About",
        summary="This document",
        answer=DocumentAnswer,
        query=Query,
        headers=_CACHED,
    ),
    Operation(
        method="get",
        path="/docs",
        group="About",
        summary="This document for people",
        answer=None,
        query=Query,
        others={"text/html": "A page that loads nothing else"},
        headers=_CACHED,
    ),
)
