"""The events that travel between functions (CloudEvents 1.0): what happened, in the one shape both sides agree on.

Every class names its producer and consumer, and has an example in tests/examples/<type>.json. Prices are strings in
JSON (decimal digits as the source gave them), so that no parser on the way makes binary fractions of them.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

TICK = "dev.knative.sources.ping"

Price = Annotated[Decimal, Field(allow_inf_nan=True)]
"""USD. May be NaN: what a source said is carried to store, which rejects it with a reason."""


class Event(BaseModel):
    """The data of an event; `TYPE` is the event's type and carries its version."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    TYPE: ClassVar[str]


class Tick(Event):
    """A schedule, or a person, asked to look for what is missing. PingSource → ingest, insights (extension `job`).

    Without overrides: whatever is missing now. *start* and *end* (instants, or dates of sessions) fill [start, end);
    *lookback_sessions* looks for holes in the newest sessions.
    """

    TYPE = TICK
    tickers: tuple[str, ...] | None = None
    start: date | AwareDatetime | None = None
    end: date | AwareDatetime | None = None
    lookback_sessions: int | None = Field(default=None, ge=1, le=400)

    @model_validator(mode="after")
    def _ends_after_start(self) -> "Tick":
        if self.start and self.end and _day(self.end) < _day(self.start):
            raise ValueError(f"end {self.end} lies before start {self.start}")
        if isinstance(self.start, datetime) and isinstance(self.end, datetime) and self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


class TickRefused(Event):
    """A tick asked for something that can never be done. ingest → store, which keeps it as a dead letter.

    It is a reply and not an error, because an error would be retried for minutes before ending in the same place.
    """

    TYPE = "tech.stocksalot.tick.refused.v1"
    reason: str
    tick_id: str
    tick_data: str


class Bar(BaseModel):
    """One bar as a source gave it. *start* is its opening instant; *volume* is in shares, None if it has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    start: AwareDatetime
    open: Price | None
    high: Price | None
    low: Price | None
    close: Price | None
    volume: Price | None


class Series(BaseModel):
    """The bars of one ticker in the window [start, end) that was asked for; no bars means the source has none there.

    *confirmed_by* names a second source that agrees with the newest close, if one was asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    ticker: str
    start: AwareDatetime
    end: AwareDatetime
    bars: tuple[Bar, ...]
    confirmed_by: str | None = None


class BarsFetched(Event):
    """A provider answered with bars. ingest → store."""

    TYPE = "tech.stocksalot.bars.fetched.v1"
    interval: str
    source: str
    fetched_at: AwareDatetime
    series: tuple[Series, ...]


class Company(BaseModel):
    """A company's profile. Market cap in millions of *currency*, shares in millions; None is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ticker: str
    name: str
    exchange: str | None = None
    industry: str | None = None
    country: str | None = None
    currency: str | None = None
    ipo: date | None = None
    website: str | None = None
    logo: str | None = None
    phone: str | None = None
    market_cap_millions: Decimal | None = None
    shares_millions: Decimal | None = None


class CompaniesFetched(Event):
    """A provider answered with company profiles. ingest → store."""

    TYPE = "tech.stocksalot.companies.fetched.v1"
    source: str
    fetched_at: AwareDatetime
    companies: tuple[Company, ...]


class BarsStored(Event):
    """A batch of bars was dealt with. store → terminal until insights listens; extension `hourcomplete` "true"|"false".

    *first* and *last* are the starts of the oldest and newest bar of the batch, None when it had none.
    """

    TYPE = "tech.stocksalot.bars.stored.v1"
    interval: str
    tickers: tuple[str, ...]
    first: AwareDatetime | None
    last: AwareDatetime | None
    inserted: int
    revised: int
    unchanged: int
    rejected: int


def explain(error: ValidationError) -> str:
    """Return what is wrong with an event's data in one line: where, and what; never a value."""
    return "; ".join(
        f"{'/'.join(str(part) for part in fault['loc']) or 'data'}: {fault['msg']}"
        for fault in error.errors(include_input=False)[:5]
    )
