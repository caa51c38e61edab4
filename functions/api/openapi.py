"""Routes of the API, for the OpenAPI document. No running function imports them."""

from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import HTMLResponse, Response

from functions.api import (
    bar_models,
    indicator_models,
    mover_models,
    quality_models,
    response_models,
    status_models,
)
from functions.api.arrow import ARROW
from functions.api.routes import ALIASES, ENDPOINTS, Endpoint
from functions.api.status_models import DirectoryResponse, DocumentResponse
from functions.api.tables import NDJSON
from functions.contract.operations import document_route, query_model

router = APIRouter()
_CACHED = ("ETag", "Cache-Control")
_MARKET = (*_CACHED, "X-Stale")
_TABLE_HEADERS = ("Link", "X-As-Of", "X-Source", "Content-Disposition")
_TABLES = {
    "text/csv": "The items as RFC 4180 with a header line. X-As-Of, X-Source and Link have the other members",
    NDJSON: "One item a line",
    ARROW: "The items as an Arrow IPC file, prices as exact decimals; requires a token, and pyarrow on the server",
}


_EVENT = {
    "type": "object",
    "description": "An event of the stream (HTML Standard, 9.2); data is JSON",
    "properties": {
        "event": {"type": "string", "enum": ["bars", "insights", "alerts"]},
        "id": {"type": "string", "description": "State of the data after the event: for Last-Event-ID"},
        "data": {"type": "string"},
    },
    "required": ["event", "id", "data"],
}


class PngResponse(Response):
    """A picture."""

    media_type = "image/png"


class EventStreamResponse(Response):
    """A stream of server-sent events."""

    media_type = "text/event-stream"


_DOCUMENTS = {"text/html": HTMLResponse, "image/png": PngResponse}
_MODELS = {
    name: model
    for module in (response_models, bar_models, mover_models, indicator_models, quality_models, status_models)
    for name, model in vars(module).items()
}


def _add(endpoint: Endpoint, path: str, summary: str) -> None:
    has_ticker, has_arrow = path.endswith("{ticker}"), path.startswith("/ohlc")
    query = query_model(endpoint.query)
    names = set(query.model_fields) if query else set()
    is_table = "format" in names
    media_types = _TABLES if has_arrow else {name: _TABLES[name] for name in ("text/csv", NDJSON)}
    if path == "/latest/{ticker}":
        media_types = media_types | {"text/plain": "The value of one field"}
    errors = [404] if has_ticker or names & {"ticker", "tickers"} else []
    shown = (
        {"response_model": _MODELS[endpoint.response]}
        if endpoint.response
        else {"response_class": _DOCUMENTS[endpoint.media_type]}
    )
    router.add_api_route(
        path,
        _handler(has_ticker, query),
        **shown,
        tags=["Market data"],
        description=summary,
        **document_route(
            "optional",
            *errors,
            *([406] if has_arrow else []),
            *([301] if has_ticker else []),
            *([403] if "list" in names else []),
            headers=(*_MARKET, *(_TABLE_HEADERS if is_table else ())),
            media_types=media_types if is_table else None,
        ),
    )


def _handler(has_ticker: bool, query: Any) -> Any:
    """Function with the parameters of an endpoint, which FastAPI reads from its signature."""
    types = {
        **({"ticker": Annotated[str, Path(examples=["AAPL"])]} if has_ticker else {}),
        **({"query": Annotated[query, Query()]} if query else {}),
    }

    def handler(**_: Any) -> None: ...

    parameters = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in types.items()]
    vars(handler)["__signature__"] = Signature(parameters)
    return handler


for _endpoint in ENDPOINTS:
    _add(_endpoint, _endpoint.path, _endpoint.summary)
    for _path in (path for path, original in ALIASES.items() if original == _endpoint.path):
        _add(_endpoint, _path, f"The same as {_endpoint.path}")


@router.get("/", tags=["About"], **document_route("optional", headers=_CACHED))
def index() -> DirectoryResponse:  # pyright: ignore[reportReturnType]
    """Index of the endpoints."""


@router.get(
    "/events",
    tags=["Market data"],
    response_class=EventStreamResponse,
    **document_route("optional", schemas={"text/event-stream": _EVENT}),
)
def events(
    last_event_id: Annotated[
        str, Header(alias="Last-Event-ID", description="Id of the last event that the client received")
    ] = "",
) -> None:
    """A stream of server-sent events: new bars, new insights, alerts of the account.

    Open for 45 seconds while a bar is expected, otherwise closed at once; `retry` is the delay before the next request.
    """


@router.get("/openapi.json", tags=["About"], **document_route("optional", headers=_CACHED))
def openapi() -> DocumentResponse:  # pyright: ignore[reportReturnType]
    """This document."""


@router.get("/docs", tags=["About"], response_class=HTMLResponse, **document_route("optional", headers=_CACHED))
def docs() -> None:
    """This document as a web page."""
