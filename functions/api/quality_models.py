"""Response models about the quality of data: splits, rejected bars, coverage, disagreements of sources.

No running function imports them: pydantic would be a sixth of every cold start.
"""

from typing import Annotated, Literal

from pydantic import Field

from functions.contract.fields import (
    Count,
    Day,
    Instant,
    MarketResponse,
    Model,
    Number,
    Percent,
    Reason,
    Source,
    Stale,
    Ticker,
)


class SplitItem(Model):
    """A split of shares."""

    ticker: Ticker
    date: Annotated[Day, Field(description="First session on the new scale")]
    datetime: Annotated[Instant, Field(description="Bars that start earlier were traded on the old scale")]
    ratio: Annotated[str, Field(description="New shares for old shares", examples=["10:1"])]
    new_shares: Annotated[float, Field(examples=[10])]
    old_shares: Annotated[float, Field(examples=[1])]
    state: Annotated[
        Literal["pending", "suspected", "applied", "unconfirmed", "refuted"],
        Field(
            description="pending: the history is being fetched again. suspected: the same, and the answer decides. "
            "applied: all bars are on the new scale. unconfirmed: a jump like that of a split, taken as news. "
            "refuted: no split"
        ),
    ]
    found: Annotated[
        Literal["overlap", "jump", "stated"],
        Field(
            description="overlap: a provider gave stored bars again on another scale. jump: prices jumped between two "
            "sessions. stated: by an operator"
        ),
    ]
    source: Source
    detail: Annotated[str, Field(examples=["10 stored bars came again at a ratio of 10:1"])]
    found_at: Instant
    changed_at: Instant


class SplitsResponse(Model):
    """Splits, newest first."""

    count: Count
    stale: Stale
    reason: Reason
    items: list[SplitItem]


class SentBar(Model):
    """A bar as it was sent; null where it had no figure."""

    open: str | None = None
    high: str | None = None
    low: str | None = None
    close: str | None = None
    volume: str | None = None
    text: Annotated[
        str | None, Field(description="The text of the source, where a figure or the time could not be read")
    ] = None


class RejectionItem(Model):
    """A bar that was sent and not stored."""

    id: Annotated[int, Field(examples=[312])]
    ticker: Annotated[str, Field(description="As sent: it may be one that is not tracked", examples=["AAPL"])]
    interval: Annotated[str, Field(examples=["1h"])]
    datetime: Annotated[Instant | None, Field(description="Start of the bar; null when it could not be read")]
    reason: Annotated[str, Field(description="A stable code, listed in docs/data.md", examples=["clock-doubtful"])]
    detail: Annotated[str, Field(examples=["The times of this week are 5 h behind UTC, those of New York."])]
    source: Source
    received_at: Instant
    sent: SentBar
    text: Annotated[str, Field(description="The reason in words", examples=["the clock is not UTC"])]
    advice: Annotated[str, Field(description="What to do about it")]


class RejectionsResponse(Model):
    """Rejected bars, newest first."""

    count: Count
    stale: Stale
    reason: Reason
    next_cursor: Annotated[int | None, Field(description="Cursor of the next page", examples=[212])]
    items: list[RejectionItem]


class BarCounts(Model):
    """Expected and stored bars, and the number of missing bars by reason."""

    expected: Count
    present: Count
    none_at_provider: Count
    not_fetched: Count
    rejected: Count


class TickerCoverage(BarCounts):
    """Expected and stored bars of a ticker."""

    ticker: Ticker


class MissingBar(Model):
    """A missing bar."""

    ticker: Ticker
    datetime: Instant
    why: Literal["none_at_provider", "not_fetched", "rejected"]
    reason: Annotated[
        str | None, Field(description="Why a sent bar was not stored; in words in reasons", examples=["clock-doubtful"])
    ]


class SessionCoverage(BarCounts):
    """Expected and stored bars of a session."""

    date: Day
    datetime: Instant
    end: Instant
    half_day: bool
    missing: list[MissingBar]


class CoverageResponse(MarketResponse):
    """Expected and stored bars."""

    interval: Literal["1h"]
    sessions: Count
    definition: Annotated[str, Field(examples=["A bar is expected once it has ended and the grace time is over."])]
    disagreements: Annotated[Count, Field(description="Stored bars from which a second provider differs")]
    totals: BarCounts
    reasons: Annotated[
        dict[str, str],
        Field(description="The reasons of missing in words", examples=[{"clock-doubtful": "the clock is not UTC"}]),
    ]
    tickers: list[TickerCoverage]
    items: list[SessionCoverage]


class Disagreement(Model):
    """A figure of a stored bar from which another source differs."""

    ticker: Ticker
    datetime: Instant
    field: Literal["open", "high", "low", "close", "volume"]
    source: Annotated[Source, Field(description="Source of the stored bar")]
    value: Annotated[Number, Field(description="The stored figure")]
    other_source: Source
    other_value: Annotated[Number, Field(description="The figure of the other source")]
    difference_percent: Annotated[Percent | None, Field(description="Of the other figure from the stored one")]
    tolerance_percent: Annotated[Percent, Field(description="Differences up to this are not listed")]
    found_at: Instant
    compared_at: Instant
    resolved_at: Annotated[Instant | None, Field(description="null: they still differ")]


class DisagreementsResponse(MarketResponse):
    """Disagreements, newest bar first."""

    definition: Annotated[str, Field(examples=["A figure that differs by more than the tolerance is listed."])]
    compared_at: Annotated[Instant | None, Field(description="The last comparison; null: never")]
    items: list[Disagreement]
