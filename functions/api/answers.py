"""What api answers, as pydantic sees it: for the published contract and the tests, never loaded to answer."""

from typing import Annotated, Literal

from pydantic import Field

from functions.api.parameters import Basis, Interval, MoverKind
from functions.contract.words import (
    Change,
    Count,
    Day,
    Instant,
    Millions,
    Name,
    Number,
    Percent,
    Price,
    Seconds,
    Shape,
    Shares,
    Source,
    Ticker,
)

Stale = Annotated[
    bool,
    Field(description="The database does not answer, and nobody can say whether this still holds", examples=[False]),
]
Zone = Literal["America/New_York"]


class MarketAnswer(Shape):
    """What every answer with bars says of them."""

    count: Count
    as_of: Annotated[Instant | None, Field(description="The end of the newest bar in the answer")]
    source: Annotated[Source | None, Field(description="Where the bars come from; mixed for several, see sources")]
    sources: list[Source]
    stale: Stale
    exchange_tz: Zone


class TickerItem(Shape):
    """A ticker that is tracked."""

    ticker: Ticker
    name: Name
    exchange: Annotated[str | None, Field(examples=["NASDAQ NMS - GLOBAL MARKET"])]
    industry: Annotated[str | None, Field(examples=["Technology"])]


class TickersAnswer(Shape):
    """All tickers that are tracked, in order."""

    count: Count
    stale: Stale
    items: list[TickerItem]


class Profile(TickerItem):
    """What is known of a company; null is unknown."""

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
    source: Annotated[str | None, Field(description="Who says so", examples=["catalogue"])]
    fetched_at: Instant | None
    active: Annotated[bool, Field(description="Fetched and shown now", examples=[True])]


class ProfileAnswer(Profile):
    """One company."""

    stale: Stale


class Figures(Shape):
    """The figures of a bar."""

    open: Price
    high: Price
    low: Price
    close: Price
    volume: Shares | None


class LatestItem(Figures):
    """A ticker's own newest hourly bar."""

    datetime: Instant
    timestamp: Seconds
    ticker: Ticker
    name: Name
    source: Source
    stored_company_name: Name
    interval: Literal["1h"]
    end: Instant | None
    session: Day | None
    revision: Count
    received_at: Instant
    is_final: Annotated[bool, Field(description="It was fetched after it had ended", examples=[True])]
    is_newest: Annotated[bool, Field(description="No other ticker has a newer one", examples=[True])]
    previous_close: Annotated[Price | None, Field(description="The close of the session before")]
    previous_close_at: Instant | None
    change: Change | None
    change_percent: Percent | None


class LatestAnswer(MarketAnswer):
    """The newest bar of each ticker."""

    items: list[LatestItem]


class Bar(Figures):
    """What every bar has; its datetime is its start."""

    ticker: Ticker
    datetime: Instant
    timestamp: Seconds
    end: Instant | None
    source: Source


class HourlyBar(Bar):
    """A bar as it is stored."""

    interval: Literal["1h"]
    revision: Annotated[Count, Field(description="How often it was corrected", examples=[0])]


class LongerBar(Bar):
    """A bar made of the hourly bars of whole sessions."""

    interval: Literal["1d", "1w", "1mo"]
    date: Annotated[Day, Field(description="The day, or the first of the period")]
    sessions: Annotated[Count, Field(description="Trading days in it", examples=[1])]
    bars: Annotated[Count, Field(description="The hourly bars that it is made of")]
    bars_expected: Annotated[Count, Field(description="Those that its sessions call for")]
    complete: Annotated[bool, Field(description="None is missing", examples=[True])]


class BarsAnswer(MarketAnswer):
    """Bars by ticker, then time."""

    interval: Interval
    known_at: Annotated[Instant | None, Field(description="The instant as of which was asked")]
    open_from: Annotated[Instant | None, Field(description="Without a token, nothing older is shown")]
    next_cursor: Annotated[
        str | None, Field(description="Leads to the next page, as does Link: rel=next", examples=["b3blbi1zZXNhbWU"])
    ]
    items: list[HourlyBar | LongerBar]


class Metrics(Figures):
    """The bar that a mover was measured by."""

    datetime: Instant
    timestamp: Seconds
    end: Instant | None
    source: Source


class Deltas(Shape):
    """The figures of a bar less those of the bar it is compared with."""

    open: Change | None
    high: Change | None
    low: Change | None
    close: Change | None
    volume: Annotated[int | None, Field(examples=[-20141])]


class MoverWindow(Shape):
    """What volume and range are of."""

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


class Mover(Shape):
    """A ticker by how it moved."""

    rank: Count
    is_newest: bool
    profile: Profile
    current_metrics: Metrics
    metric_deltas: Deltas
    change: Change | None
    change_percent: Percent | None
    basis: Basis
    basis_price: Price | None
    basis_datetime: Instant | None
    basis_at: Instant | None
    window: MoverWindow


class NotRanked(Shape):
    """A ticker that could not be measured."""

    ticker: Ticker
    datetime: Instant
    is_newest: bool


class MoversAnswer(MarketAnswer):
    """The movers, and in words what was measured."""

    kind: MoverKind
    basis: Basis
    definition: Annotated[str, Field(examples=["Ranked by change_percent, falling; only tickers that rose."])]
    not_ranked: list[NotRanked]
    items: list[Mover]


class Presence(Shape):
    """How many bars there should be, are, and why the others are not."""

    expected: Count
    present: Count
    none_at_provider: Count
    not_fetched: Count
    rejected: Count


class TickerPresence(Presence):
    """The presence of one ticker's bars."""

    ticker: Ticker


class MissingBar(Shape):
    """A bar that is not there."""

    ticker: Ticker
    datetime: Instant
    why: Literal["none_at_provider", "not_fetched", "rejected"]


class CoverageItem(Presence):
    """One session."""

    date: Day
    datetime: Instant
    end: Instant
    half_day: bool
    missing: list[MissingBar]


class CoverageAnswer(MarketAnswer):
    """Expected against stored bars."""

    interval: Literal["1h"]
    sessions: Count
    definition: Annotated[str, Field(examples=["A bar is expected once it has ended and the grace time is over."])]
    totals: Presence
    tickers: list[TickerPresence]
    items: list[CoverageItem]
