"""Routes of insights, for the OpenAPI document. No running function imports them."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from functions.contract.operations import document_route, query_model
from functions.insights.feeds.parameters import FeedQuery
from functions.insights.reading.parameters import InsightsQuery
from functions.insights.response_models import FeedResponse, InsightsResponse

router = APIRouter(tags=["Insights"])
_FEED = ("ETag", "Last-Modified", "Cache-Control", "X-Stale", "Link")
_FeedQuery = query_model(FeedQuery)
_ATOM = {"application/atom+xml": "Atom 1.0 (RFC 4287)"}


class FeedJson(JSONResponse):
    """A JSON Feed."""

    media_type = "application/feed+json"


@router.get("/insights", **document_route("optional", 404, headers=("ETag", "Cache-Control", "X-Stale", "Link")))
def insights(
    query: Annotated[query_model(InsightsQuery), Query()],  # pyright: ignore[reportInvalidTypeForm]
) -> InsightsResponse:  # pyright: ignore[reportReturnType]
    """Insights of the last hours: sentences, and the bars behind each figure."""


@router.get(
    "/insights/feed.atom",
    response_class=Response,
    **document_route("optional", 404, headers=_FEED, media_types=_ATOM),
)
def feed_atom(query: Annotated[_FeedQuery, Query()]) -> Response:  # pyright: ignore[reportInvalidTypeForm, reportReturnType]
    """Insights as an Atom feed.

    An entry for each hour and one for each session's wrap. When bars behind an entry change, it is issued again under
    the same id, with a later `updated` and a note. Links rel=next lead to older entries (RFC 5005).
    """


@router.get(
    "/insights/feed.json",
    response_class=FeedJson,
    **document_route("optional", 404, headers=_FEED),
)
def feed_json(query: Annotated[_FeedQuery, Query()]) -> FeedResponse:  # pyright: ignore[reportInvalidTypeForm, reportReturnType]
    """Insights as a JSON Feed 1.1, with the entries of the Atom feed."""
