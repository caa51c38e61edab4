"""Response models of bars, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from typing import Annotated, Literal

from pydantic import Field

from functions.api.parameters import Interval
from functions.api.response_models import Prices
from functions.contract.fields import (
    Count,
    Day,
    Instant,
    MarketResponse,
    Model,
    Name,
    Seconds,
    Source,
    Ticker,
)


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
