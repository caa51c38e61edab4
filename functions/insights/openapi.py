"""Routes of insights, for the OpenAPI document. No running function imports them."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from functions.contract.operations import documented, query_model
from functions.insights.question import MOST_HOURS, STANDARD_HOURS
from functions.insights.response_models import InsightsResponse

router = APIRouter(tags=["Insights"])


@dataclass(frozen=True, kw_only=True)
class InsightsQuery:
    """Parameters of /insights."""

    date: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-11-20"])] | None = field(
        default=None, metadata={"description": "Only this session, a day in New York"}
    )
    ticker: Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9.-]{0,14}$", examples=["AAPL"])] | None = field(
        default=None, metadata={"description": "Only insights about this ticker"}
    )
    limit: int = field(
        default=STANDARD_HOURS,
        metadata={"description": "Maximum number of hours; the newest come first", "ge": 1, "le": MOST_HOURS},
    )
    cursor: Annotated[str, Field(pattern="^before-[0-9]{1,11}$")] | None = field(
        default=None, metadata={"description": "next_cursor of the previous page"}
    )


@router.get("/insights", **documented("optional", 404, headers=("ETag", "Cache-Control", "X-Stale", "Link")))
def insights(
    query: Annotated[query_model(InsightsQuery), Query()],  # pyright: ignore[reportInvalidTypeForm]
) -> InsightsResponse:  # pyright: ignore[reportReturnType]
    """Insights of the last hours: sentences, and the bars behind each figure."""
