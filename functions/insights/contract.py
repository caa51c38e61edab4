"""What insights promises to readers, for the one document of all functions."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from functions.contract.operation import Operation
from functions.contract.words import Count, Day, Instant, Number, Seconds, Shape, Source, Ticker
from functions.insights.question import MOST_HOURS, STANDARD_HOURS

_LINK = "/ohlc/AAPL?start=2026-11-19T20:30:00Z&end=2026-11-20T21:00:00Z"


@dataclass(frozen=True, kw_only=True)
class InsightsQuery:
    """Which hours, and of whom."""

    date: Annotated[str | None, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-11-20"])] = field(
        default=None, metadata={"description": "Only that session: a day in New York"}
    )
    ticker: Annotated[str | None, Field(pattern="^[A-Za-z][A-Za-z0-9.-]{0,14}$", examples=["AAPL"])] = field(
        default=None, metadata={"description": "Only hours and insights that tell of it"}
    )
    limit: int = field(
        default=STANDARD_HOURS,
        metadata={"description": "Most hours in one answer, newest first", "ge": 1, "le": MOST_HOURS},
    )
    cursor: Annotated[str | None, Field(pattern="^before-[0-9]{1,11}$")] = field(
        default=None, metadata={"description": "From next_cursor: goes on there"}
    )


class FactBars(Shape):
    """The bars that a figure was computed from: these fields of all these tickers' bars at all these starts."""

    tickers: list[Ticker]
    starts: list[Instant]
    fields: Annotated[list[str], Field(examples=[["close"]])]


class Fact(Shape):
    """A figure of a sentence, to be checked against its bars."""

    id: Annotated[str, Field(description="Its slot in template", examples=["f12"])]
    metric: Annotated[str, Field(examples=["change"])]
    ticker: Ticker | None
    basis: Annotated[str | None, Field(examples=["previous_close"])]
    value: Number
    unit: Annotated[str, Field(examples=["percent"])]
    text: Annotated[str, Field(description="As the sentence writes it", examples=["1.43%"])]
    direction: Literal["up", "down"] | None
    link: Annotated[
        str,
        Field(
            description="Asks for its bars, below the root of this API",
            examples=[_LINK],
        ),
    ]
    superseded: Annotated[bool | None, Field(description="Its bars have changed since", examples=[False])]
    bars: FactBars


class Insight(Shape):
    """A sentence."""

    place: Count
    insight: Annotated[str, Field(examples=["Apple rose 1.43% since the previous close."])]
    sentiment: Literal["positive", "negative", "neutral"]
    tickers: list[Ticker]
    generator: Literal["rules", "model"]
    template: Annotated[str, Field(examples=["Apple rose {f12} since the previous close."])]
    superseded: Annotated[bool | None, Field(examples=[False])]
    facts: list[Fact]


class InsightHour(Shape):
    """What was told of an hour."""

    datetime: Annotated[Instant, Field(description="The start of the hour")]
    timestamp: Seconds
    end: Instant
    session: Day
    complete: Annotated[bool, Field(description="No active ticker lacked its bar", examples=[True])]
    missing: list[Ticker]
    generator: Literal["rules", "model", "mixed"]
    model: Annotated[str | None, Field(description="Whose words these are", examples=["gpt-5-mini"])]
    revision: Count
    superseded: Annotated[bool | None, Field(examples=[False])]
    source: Source
    written_at: Instant
    insights: list[Insight]


class InsightsAnswer(Shape):
    """Hours, newest first."""

    count: Count
    as_of: Instant | None
    source: Source | None
    sources: list[Source]
    stale: Annotated[bool, Field(examples=[False])]
    exchange_tz: Literal["America/New_York"]
    definition: Annotated[str, Field(examples=["Every figure of a sentence is one of its facts."])]
    next_cursor: Annotated[str | None, Field(examples=["before-1795185000"])]
    items: list[InsightHour]


OPERATIONS = (
    Operation(
        method="get",
        path="/insights",
        group="Insights",
        summary="What is worth knowing about the last hours, each figure with the bars it rests on",
        answer=InsightsAnswer,
        query=InsightsQuery,
        problems=(404,),
        headers=("ETag", "Cache-Control", "Link"),
    ),
)
