"""Routes of insights, for the OpenAPI document. No running function imports them."""

from typing import Annotated

from fastapi import APIRouter, Query

from functions.contract.operations import documented, query_model
from functions.insights.reading.query import InsightsQuery
from functions.insights.response_models import InsightsResponse

router = APIRouter(tags=["Insights"])


@router.get("/insights", **documented("optional", 404, headers=("ETag", "Cache-Control", "X-Stale", "Link")))
def insights(
    query: Annotated[query_model(InsightsQuery), Query()],  # pyright: ignore[reportInvalidTypeForm]
) -> InsightsResponse:  # pyright: ignore[reportReturnType]
    """Insights of the last hours: sentences, and the bars behind each figure."""
