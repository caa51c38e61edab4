"""Response models of the API, for the OpenAPI document, the page's types, the MCP tools and the tests.

No running function imports them: pydantic would be a sixth of every cold start.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from functions.api.parameters import Basis, Interval, MoverKind
from functions.api.status_models import LeftOut
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


class Bar(Prices):
    """A bar. Its datetime is its start."""

    ticker: Ticker
    name: Name
    stored_company_name: Name
    datetime: Instant
    timestamp: Seconds
    end: Instant
    source: Source


class HourlyBar(Bar):
    """An hourly bar, as stored."""

    interval: Literal["1h"]
    revision: Annotated[Count, Field(description="Number of corrections", examples=[0])]


class LongerBar(Bar):
    """A bar made from the hourly bars of whole sessions."""

    interval: Literal["1d", "1w", "1mo"]
    date: Annotated[Day, Field(description="The day, or the first day of the period")]
    sessions: Annotated[Count, Field(description="Trading days in the period", examples=[1])]
    bars: Annotated[Count, Field(description="Hourly bars it is made from")]
    bars_expected: Annotated[Count, Field(description="Hourly bars its sessions should have")]
    complete: Annotated[bool, Field(description="No hourly bar is missing", examples=[True])]


class AppliedSplit(Model):
    """A split for which a series is adjusted."""

    date: Day
    ratio: Annotated[str, Field(description="New shares for old shares", examples=["10:1"])]


class Seam(Model):
    """The place in a series where its source changes."""

    datetime: Instant
    before: Source
    after: Source


class SeriesInfo(Model):
    """Adjustment of a series for splits, and the changes of its source."""

    ticker: Ticker
    adjusted: Annotated[
        Literal["splits", "none", "unknown", "pending"],
        Field(
            description="splits: all prices are on the scale of today. none: prices as they were traded. unknown: the "
            "source gives raw prices, and no split of the ticker is known. pending: a split was found, and older bars "
            "are on another scale until the history is fetched again"
        ),
    ]
    splits: list[AppliedSplit]
    seams: list[Seam]


class BarsResponse(MarketResponse):
    """Bars, by ticker, then by time."""

    interval: Interval
    known_at: Annotated[Instant | None, Field(description="The as_of of the request")]
    open_from: Annotated[Instant | None, Field(description="Without a token, history begins here")]
    next_cursor: Annotated[
        str | None,
        Field(description="Cursor of the next page, as in Link: rel=next", examples=["b3blbi1zZXNhbWU"]),
    ]
    series: list[SeriesInfo]
    items: list[HourlyBar | LongerBar]


class MeasuredBar(Prices):
    """The bar by which a mover is measured."""

    datetime: Instant
    timestamp: Seconds
    end: Instant
    source: Source


class Differences(Model):
    """Differences to the bar of comparison."""

    open: Change | None
    high: Change | None
    low: Change | None
    close: Change | None
    volume: Annotated[int | None, Field(examples=[-20141])]


class MoverWindow(Model):
    """Window over which volume and range are measured."""

    start: Instant | None
    end: Instant | None
    bars: Count
    bars_expected: Count | None
    high: Price | None
    low: Price | None
    volume: Shares | None
    range_percent: Percent | None
    usual_volume: Number | None
    usual_sessions: Count
    volume_ratio: Number | None


class Mover(Model):
    """A ranked ticker."""

    rank: Count
    is_newest: bool
    profile: Profile
    current_metrics: MeasuredBar
    metric_deltas: Differences
    change: Change | None
    change_percent: Percent | None
    basis: Basis
    basis_price: Price | None
    basis_datetime: Instant | None
    basis_at: Instant | None
    window: MoverWindow


class NotRanked(Model):
    """A ticker that lacks the bars for a rank, or whose bars come from sources with different prices."""

    ticker: Ticker
    datetime: Instant
    is_newest: bool
    reason: Literal["bar-missing", "source-changed"]


class MoversResponse(MarketResponse):
    """Movers, and the definition of the ranking."""

    kind: MoverKind
    basis: Basis
    definition: Annotated[str, Field(examples=["Ranked by change_percent, falling; only tickers that rose."])]
    left_out: list[LeftOut]
    not_ranked: list[NotRanked]
    items: list[Mover]
