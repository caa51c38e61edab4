"""Response models of movers, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from typing import Annotated, Literal

from pydantic import Field

from functions.api.parameters import Basis, MoverKind
from functions.api.response_models import Prices, Profile
from functions.api.status_models import ExcludedTicker
from functions.contract.fields import (
    Change,
    Count,
    Instant,
    MarketResponse,
    Model,
    Number,
    Percent,
    Price,
    Seconds,
    Shares,
    Source,
    Ticker,
)


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
    left_out: list[ExcludedTicker]
    not_ranked: list[NotRanked]
    items: list[Mover]
