"""What api answers about itself and the market as a whole, as pydantic sees it."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from functions.api.answers import Stale, Zone
from functions.contract.words import Count, Day, Instant, Shape, Source


class SessionTimes(Shape):
    """A trading day."""

    date: Day
    opens: Instant
    closes: Instant
    half_day: Annotated[bool, Field(examples=[False])]


class MarketState(Shape):
    """Whether the exchange trades."""

    state: Literal["open", "closed"]
    session: Annotated[SessionTimes | None, Field(description="The one that trades, or the last that did")]
    next_open: Instant | None
    next_session: SessionTimes | None


class NewestBar(Shape):
    """The newest bar of all, and how many tickers have it."""

    datetime: Instant
    end: Instant | None
    tickers: Count


class Credits(Shape):
    """What was used of a provider's budget, all its keys together."""

    used: Count
    limit: Annotated[Count | None, Field(description="null: there is none")]


class ProviderState(Shape):
    """What ingest has spent of a provider."""

    provider: Annotated[str, Field(examples=["twelvedata"])]
    keys: Count
    minute: Credits
    day: Credits


class StatusAnswer(Shape):
    """The state of market and data."""

    as_of: Instant | None
    answered_at: Instant
    source: Source | None
    sources: list[Source]
    stale: Stale
    exchange_tz: Zone
    simulated: Annotated[bool, Field(description="There are invented prices among the newest", examples=[True])]
    market: MarketState
    newest_bar: NewestBar | None
    data_age_seconds: Annotated[int | None, Field(examples=[1800])]
    newest_finished_bar: Annotated[Instant | None, Field(description="The start of the newest bar that could be there")]
    next_bar_due: Instant | None
    tickers: Count
    behind: Annotated[Count, Field(description="Tickers that lack a bar which a provider may still have")]
    rejected_last_day: Count
    dead_letters: Count
    epoch: Annotated[int, Field(description="Grows with every change of market data", examples=[418])]
    providers: list[ProviderState]


class Entry(Shape):
    """A path."""

    href: Annotated[str, Field(description="Relative to this document", examples=["ohlc/{ticker}"])]
    summary: str
    parameters: Annotated[dict[str, str], Field(examples=[{"limit": "Most bars a ticker in one answer"}])]


class DirectoryAnswer(Shape):
    """What there is."""

    count: Count
    about: Annotated[dict[str, str], Field(examples=[{"name": "StocksALot"}])]
    items: list[Entry]


class DocumentAnswer(Shape):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")
    openapi: Annotated[str, Field(examples=["3.1.1"])]
