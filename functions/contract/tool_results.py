"""Result schemas of the MCP tools: parts of the response models, small enough for a conversation.

`part` names the members that a tool keeps; all others are left out.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from functions.api import quality_models as quality
from functions.api import response_models as api
from functions.api.status_models import StatusResponse
from functions.contract.schemas import inlined, without
from functions.insights import response_models as insights

_DATED = "as_of source stale"
_MARKET = f"{_DATED} reason"
_PRICES = "open high low close volume"


def part(model: type[BaseModel], names: str, **others: Any) -> type[BaseModel]:
    """Model with the members *names* of *model*, and *others* with types of their own."""
    fields = model.model_fields
    members: dict[str, Any] = {name: (fields[name].annotation, fields[name]) for name in names.split()}
    return create_model(model.__name__, __doc__=model.__doc__, **members, **others)


def _list(model: type[BaseModel]) -> Any:
    return (list[model], ...)


_MOVER = create_model(
    "Mover",
    __base__=(
        part(api.Mover, "rank change change_percent basis_price basis_at"),
        part(api.Profile, "ticker name"),
        part(api.MeasuredBar, "datetime end close source"),
        part(api.MoverWindow, "volume volume_ratio range_percent"),
    ),
    __doc__=api.Mover.__doc__,
)
_QUOTE = f"ticker name datetime end {_PRICES} previous_close previous_close_at change change_percent is_newest source"
_MORE = Annotated[bool, Field(description="There are more bars: ask for a narrower window")]
_COMPLETE = Annotated[bool | None, Field(description="False: hours of it are missing; null for hourly bars")]
_INCOMPLETE = Annotated[
    list[part(quality.TickerCoverage, "ticker expected present none_at_provider not_fetched rejected")],
    Field(description="Tickers with missing bars"),
]
_INSIGHT = part(
    insights.Insight,
    "insight sentiment tickers generator",
    facts=_list(part(insights.Fact, "metric ticker basis value unit text superseded")),
)

RESULTS: dict[str, type[BaseModel]] = {
    "latest": part(api.LatestResponse, _MARKET, items=_list(part(api.LatestItem, _QUOTE))),
    "bars": part(
        api.BarsResponse,
        f"{_MARKET} interval known_at open_from",
        more=(_MORE, ...),
        items=_list(part(api.Bar, f"ticker datetime end {_PRICES} source", complete=(_COMPLETE, None))),
    ),
    "movers": part(api.MoversResponse, f"{_MARKET} kind basis definition", items=_list(_MOVER)),
    "insights": part(
        insights.InsightsResponse,
        _MARKET,
        items=_list(part(insights.InsightHour, "datetime end complete source", insights=_list(_INSIGHT))),
    ),
    "coverage": part(quality.CoverageResponse, f"{_MARKET} sessions definition totals", incomplete=(_INCOMPLETE, ...)),
    "tickers": part(api.TickersResponse, "", items=_list(part(api.TickerItem, "ticker name industry"))),
    "status": part(
        StatusResponse,
        f"{_DATED} answered_at simulated market data_age_seconds next_bar_due behind",
    ),
}


def result_schemas() -> dict[str, Any]:
    """JSON Schema of each tool's result, without references and without keywords that would only cost tokens."""
    schemas = {name: without(model.model_json_schema(), "title", "examples") for name, model in RESULTS.items()}
    return {name: inlined(schema, schema.pop("$defs", {})) for name, schema in schemas.items()}
