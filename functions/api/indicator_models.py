"""Response models of /indicators, for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import Field

from functions.api.bar_models import SeriesInfo
from functions.api.parameters import Interval
from functions.contract.fields import Instant, MarketResponse, Model, Price, Seconds, Source, Ticker

IndicatorGap = Literal["warm-up", "gap", "unfinished", "split", "source-changed", "volume-unknown"]


class IndicatorItem(Model):
    """Values of the indicators at a bar, which datetime names by its start."""

    ticker: Ticker
    interval: Interval
    datetime: Instant
    timestamp: Seconds
    end: Instant
    close: Price
    source: Source
    complete: Annotated[bool, Field(description="All values rest on whole series of bars: incomplete is empty")]
    values: Annotated[
        dict[str, Annotated[float, Field(description="To six digits after the point")] | None],
        Field(description="By the names that indicators lists; null with a reason", examples=[{"sma_20": 271.4935}]),
    ]
    incomplete: Annotated[
        dict[str, IndicatorGap],
        Field(
            description="Why a value is null, or rests on less than it should. warm-up: too few bars. gap: a bar is "
            "missing. unfinished: hours of the bar are still to come. split: bars before a split are on another scale. "
            "source-changed: volumes are of several sources. volume-unknown: a volume is not known",
            examples=[{"sma_200": "warm-up"}],
        ),
    ]


class IndicatorInfo(Model):
    """An indicator as it was computed."""

    name: Annotated[str, Field(description="With all its parameters", examples=["sma:20"])]
    values: Annotated[list[str], Field(description="Names of its values", examples=[["sma_20"]])]
    bars: Annotated[
        int | None, Field(description="Bars that a complete value rests on; null: those of a session", examples=[20])
    ]
    definition: Annotated[str, Field(examples=["Mean of the last 20 closes"])]


class IndicatorsResponse(MarketResponse):
    """Indicators over the bars of a ticker, by time."""

    interval: Interval
    known_at: Annotated[Instant | None, Field(description="The as_of of the request")]
    open_from: Annotated[
        Instant | None, Field(description="Without a token, history begins here, and nothing rests on older bars")
    ]
    next_cursor: Annotated[
        str | None,
        Field(description="Cursor of the next page, as in Link: rel=next", examples=["b3blbi1zZXNhbWU"]),
    ]
    series: list[SeriesInfo]
    indicators: list[IndicatorInfo]
    items: list[IndicatorItem]
