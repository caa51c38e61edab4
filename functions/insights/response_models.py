"""Response models of /insights, for the OpenAPI document, the page's types, the MCP tools and the tests.

No running function imports them.
"""

from typing import Annotated, Literal

from pydantic import Field

from functions.contract.fields import Count, Day, Instant, MarketResponse, Model, Number, Seconds, Source, Ticker

_LINK = "/ohlc/AAPL?start=2026-11-19T20:30:00Z&end=2026-11-20T21:00:00Z"

_TAG = "tag:stocksalot.tech,2026:0b7f8a6e-3a52-4c0e-9c7f-2f4b1f6f9f10/insights/hour/2026-11-20T20:30:00Z"
Url = Annotated[str, Field(pattern="^https?://", examples=["https://stocks.example.com/"])]


class FactBars(Model):
    """Bars of a figure: these fields of the bars of all these tickers at all these starts."""

    tickers: list[Ticker]
    starts: list[Instant]
    fields: Annotated[list[str], Field(examples=[["close"]])]


class Fact(Model):
    """A figure of a sentence, and the bars it is computed from."""

    id: Annotated[str, Field(description="Its placeholder in the template", examples=["f12"])]
    metric: Annotated[str, Field(examples=["change"])]
    ticker: Ticker | None
    basis: Annotated[str | None, Field(examples=["previous_close"])]
    value: Number
    unit: Annotated[str, Field(examples=["percent"])]
    text: Annotated[str, Field(description="The figure as written in the sentence", examples=["1.43%"])]
    direction: Literal["up", "down"] | None
    window: Annotated[str | None, Field(description="The span that the figure covers", examples=["day"])]
    industry: Annotated[str | None, Field(description="Industry that the figure is about", examples=["Banking"])]
    left_out: Annotated[list[Ticker], Field(description="Tracked tickers that lack a bar for the figure")]
    link: Annotated[
        str,
        Field(
            description="Address of its bars, relative to the root of this API",
            examples=[_LINK],
        ),
    ]
    superseded: Annotated[bool | None, Field(description="Its bars have changed since", examples=[False])]
    bars: FactBars


class Insight(Model):
    """A sentence."""

    place: Count
    insight: Annotated[str, Field(examples=["Apple rose 1.43% since the previous close."])]
    sentiment: Literal["positive", "negative", "neutral"]
    tickers: list[Ticker]
    generator: Literal["rules", "model"]
    template: Annotated[str, Field(examples=["Apple rose {f12} since the previous close."])]
    kind: Literal["market", "company", "industry", "wrap"] | None
    significance: Annotated[
        Number | None, Field(description="Size of its facts against the usual; an ordinary day's is 1", examples=[2.5])
    ]
    superseded: Annotated[bool | None, Field(examples=[False])]
    facts: list[Fact]


class NotCompared(Model):
    """A ticker whose bars cannot be compared."""

    ticker: Ticker
    reason: Literal["split", "source-changed"]


class InsightHour(Model):
    """Insights of an hour."""

    datetime: Annotated[Instant, Field(description="The start of the hour")]
    timestamp: Seconds
    end: Instant
    session: Day
    complete: Annotated[bool, Field(description="Every active ticker had its bar", examples=[True])]
    missing: list[Ticker]
    left_out: Annotated[list[NotCompared], Field(description="Tickers that figures leave out although they have a bar")]
    generator: Literal["rules", "model", "mixed"]
    model: Annotated[str | None, Field(description="Language model that wrote the sentences", examples=["gpt-5-mini"])]
    revision: Count
    superseded: Annotated[bool | None, Field(examples=[False])]
    source: Source
    written_at: Instant
    insights: list[Insight]


class InsightsResponse(MarketResponse):
    """Insights by hour, newest first."""

    definition: Annotated[str, Field(examples=["Every figure of a sentence is one of its facts."])]
    next_cursor: Annotated[str | None, Field(examples=["before-1795185000"])]
    items: list[InsightHour]


class FeedAuthor(Model):
    """An author."""

    name: Annotated[str, Field(examples=["StocksALot"])]


class FeedState(Model):
    """The feed's id in the Atom document, its newest change, and whether it is a cached copy."""

    id: Annotated[str, Field(examples=[f"{_TAG}/feed"])]
    updated: Instant
    stale: Annotated[bool, Field(examples=[False])]


class EntryState(Model):
    """The revision of an entry, and whether bars behind its figures changed after it was first published."""

    revision: Count
    corrected: Annotated[bool, Field(description="Written again from the bars as they are now", examples=[False])]
    superseded: Annotated[bool, Field(description="Bars changed; not written again yet", examples=[False])]


class FeedItem(Model):
    """An hour, or the wrap of a session."""

    id: Annotated[str, Field(description="The same in every version of the entry", examples=[_TAG])]
    url: Url
    title: Annotated[str, Field(examples=["Apple rose 1.43% since the previous close."])]
    content_html: Annotated[str, Field(examples=["<ul><li>Apple rose …</li></ul>"])]
    content_text: Annotated[str, Field(examples=["Apple rose 1.43% since the previous close."])]
    date_published: Instant
    date_modified: Instant
    tags: Annotated[list[str], Field(examples=[["hour", "company", "AAPL"]])]
    state: Annotated[EntryState, Field(alias="_stocksalot")]


class FeedResponse(Model):
    """A JSON Feed, https://www.jsonfeed.org/version/1.1/."""

    version: Literal["https://jsonfeed.org/version/1.1"]
    title: Annotated[str, Field(examples=["StocksALot: insights"])]
    description: Annotated[str, Field(examples=["Sentences about each hour of trading, and a wrap of each session."])]
    home_page_url: Url
    feed_url: Url
    next_url: Url | None = None
    language: Literal["en"]
    authors: list[FeedAuthor]
    state: Annotated[FeedState, Field(alias="_stocksalot")]
    items: list[FeedItem]
