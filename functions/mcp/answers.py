"""What the tools answer: the public answers, cut down to what fits a conversation; each figure has its time and source.

Members that are not named here are left out. Prices are JSON numbers with the digits that the API sent.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field

A = TypeVar("A", bound=BaseModel)

Instant = Annotated[str, Field(description="RFC 3339, UTC")]
Source = Annotated[str, Field(description="Where the figures come from; simulated means invented")]


class Market(BaseModel):
    """What every answer says of its bars."""

    as_of: Annotated[Instant | None, Field(description="The end of the newest bar in the answer")]
    source: Annotated[Source | None, Field(description="mixed: see each item")]
    stale: Annotated[bool, Field(description="True: the database is away, and this may be out of date")]


class Quote(BaseModel):
    """A ticker's newest hourly bar, in USD."""

    ticker: str
    name: str
    datetime: Annotated[Instant, Field(description="The start of the bar")]
    end: Instant | None
    open: float
    high: float
    low: float
    close: float
    volume: int | None
    previous_close: Annotated[float | None, Field(description="The close of the session before")]
    previous_close_at: Instant | None
    change: Annotated[float | None, Field(description="close less previous_close")]
    change_percent: float | None
    is_newest: Annotated[bool, Field(description="False: other tickers have newer bars")]
    source: Source


class Latest(Market):
    """The newest bars."""

    items: list[Quote]


class Bar(BaseModel):
    """A bar, in USD."""

    ticker: str
    datetime: Annotated[Instant, Field(description="The start of the bar")]
    end: Instant | None
    open: float
    high: float
    low: float
    close: float
    volume: int | None
    source: Source
    complete: Annotated[bool | None, Field(description="False: hours of it are missing; null for hourly bars")] = None


class Bars(Market):
    """Bars by ticker, then time."""

    interval: str
    known_at: Annotated[Instant | None, Field(description="The bars are as they were known then")]
    open_from: Annotated[Instant | None, Field(description="Without a token nothing older is shown")]
    more: Annotated[bool, Field(description="There are others: ask for a narrower window")]
    items: list[Bar]


class Mover(BaseModel):
    """A ticker by how it moved, in USD."""

    rank: int
    ticker: str
    name: str
    close: float
    datetime: Annotated[Instant, Field(description="The start of the bar that was measured")]
    end: Instant | None
    change: float | None
    change_percent: float | None
    basis_price: float | None
    basis_at: Annotated[Instant | None, Field(description="When basis_price was paid")]
    volume: Annotated[int | None, Field(description="In the window that definition names")]
    volume_ratio: float | None
    range_percent: float | None
    source: Source


class Movers(Market):
    """The movers, and in words what was measured."""

    kind: str
    basis: str
    definition: str
    items: list[Mover]


class Fact(BaseModel):
    """A figure of a sentence."""

    metric: str
    ticker: str | None
    basis: str | None
    value: float
    unit: str
    text: Annotated[str, Field(description="As the sentence writes it")]
    superseded: Annotated[bool | None, Field(description="True: the bars behind it have changed since")]


class Insight(BaseModel):
    """A sentence on the market, with the facts it rests on."""

    insight: str
    sentiment: Literal["positive", "negative", "neutral"]
    tickers: list[str]
    generator: Annotated[str, Field(description="model or rules: who wrote the words; the figures are computed")]
    facts: list[Fact]


class Hour(BaseModel):
    """What was told of an hour."""

    datetime: Annotated[Instant, Field(description="The start of the hour")]
    end: Instant
    complete: bool
    source: Source
    insights: list[Insight]


class Insights(Market):
    """Hours, newest first."""

    items: list[Hour]


class Gap(BaseModel):
    """What a ticker lacks of the bars that the exchange's sessions call for."""

    ticker: str
    expected: int
    present: int
    none_at_provider: int
    not_fetched: int
    rejected: int


class Coverage(Market):
    """How complete the stored hourly bars are."""

    sessions: int
    definition: str
    totals: dict[str, int]
    incomplete: Annotated[list[Gap], Field(description="The tickers that lack bars; all others have every one")]


class Tracked(BaseModel):
    """A ticker that is tracked."""

    ticker: str
    name: str
    industry: str | None


class Tickers(BaseModel):
    """All tickers there are."""

    items: list[Tracked]


class Status(BaseModel):
    """Whether the market is open, and how old the data are."""

    answered_at: Instant
    as_of: Instant | None
    source: Source | None
    stale: bool
    simulated: Annotated[bool, Field(description="There are invented prices among the newest")]
    market: dict[str, Any]
    data_age_seconds: int | None
    next_bar_due: Instant | None
    behind: Annotated[int, Field(description="Tickers that lack a bar which a provider may still have")]
