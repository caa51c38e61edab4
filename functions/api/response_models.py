"""Response models of the API, for the OpenAPI document, the page's types, the MCP tools and the tests.

No running function imports them: pydantic would be a sixth of every cold start.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from functions.contract.fields import (
    Change,
    Count,
    Day,
    Instant,
    MarketResponse,
    Millions,
    Model,
    Name,
    Number,
    Percent,
    Price,
    Reason,
    Seconds,
    Shares,
    Source,
    Stale,
    Ticker,
)


class TickerItem(Model):
    """A tracked ticker."""

    ticker: Ticker
    name: Name
    exchange: Annotated[str | None, Field(examples=["NASDAQ NMS - GLOBAL MARKET"])]
    industry: Annotated[str | None, Field(examples=["Technology"])]


class TickersResponse(Model):
    """All tracked tickers, in alphabetical order."""

    count: Count
    stale: Stale
    reason: Reason
    items: list[TickerItem]


class SearchResponse(TickersResponse):
    """Tracked tickers that match, the best match first."""


class Profile(TickerItem):
    """A company. Unknown values are null."""

    country: Annotated[str | None, Field(examples=["US"])]
    currency: Annotated[str | None, Field(examples=["USD"])]
    ipo: Day | None
    website: Annotated[str | None, Field(examples=["https://www.apple.com/"])]
    logo: str | None
    phone: str | None
    market_cap_millions: Millions | None
    shares_millions: Millions | None
    market_cap: Millions | None
    num_shares: Millions | None
    source: Annotated[str | None, Field(description="Source of the profile", examples=["catalogue"])]
    fetched_at: Instant | None
    active: Annotated[bool, Field(description="Currently tracked", examples=[True])]


class ProfileResponse(Profile):
    """One company."""

    ended_on: Annotated[Day | None, Field(description="Day on which its bars end; null while it is tracked")]
    renamed_to: Annotated[Ticker | None, Field(description="Ticker that holds its history")]
    stale: Stale


class Prices(Model):
    """Prices and volume of a bar."""

    open: Price
    high: Price
    low: Price
    close: Price
    volume: Shares | None


class LatestItem(Prices):
    """Newest hourly bar of a ticker."""

    datetime: Instant
    timestamp: Seconds
    ticker: Ticker
    name: Name
    source: Source
    stored_company_name: Name
    interval: Literal["1h"]
    end: Instant
    session: Day | None
    revision: Count
    received_at: Instant
    is_final: Annotated[bool, Field(description="Fetched after the bar ended", examples=[True])]
    is_newest: Annotated[bool, Field(description="No other ticker has a newer bar", examples=[True])]
    previous_close: Annotated[Price | None, Field(description="Close of the previous session")]
    previous_close_at: Instant | None
    change: Change | None
    change_percent: Percent | None


class LatestFields(Model):
    """The members of a newest bar that `fields` names."""

    model_config = ConfigDict(extra="allow")


class TickerLatest(LatestItem):
    """Newest bar of one ticker."""

    stale: Stale


class TickerLatestFields(LatestFields):
    """The members of the newest bar that `fields` names."""

    stale: Stale


TickerLatestResponse = TickerLatest | TickerLatestFields


class LatestResponse(MarketResponse):
    """Newest bar of each ticker."""

    items: list[LatestItem] | list[LatestFields]


class Hour(Model):
    """An hour of a session. Its datetime is its start."""

    datetime: Instant
    end: Instant


class OverviewItem(Model):
    """Company, session so far, and recent closes of a ticker."""

    ticker: Ticker
    exchange: Annotated[str | None, Field(examples=["NASDAQ NMS - GLOBAL MARKET"])]
    industry: Annotated[str | None, Field(examples=["Technology"])]
    market_cap_millions: Millions | None
    session_high: Price | None
    session_low: Price | None
    session_volume: Annotated[Shares | None, Field(description="Null if an hour lacks its volume")]
    volume_ratio: Annotated[Number | None, Field(description="As window.volume_ratio of /movers")]
    closes: Annotated[list[Price | None], Field(description="One per hour of hours; null if its bar is missing")]


class OverviewResponse(MarketResponse):
    """All tickers in columns."""

    hours: Annotated[list[Hour], Field(description="Hours of the newest three sessions, up to the newest bar")]
    items: list[OverviewItem]
