"""Classes of the events between functions (CloudEvents 1.0).

Every class names its producer and consumer, and has an example in tests/examples/<type>.json. Prices are strings in
JSON (decimal digits as the source gave them), so that no parser on the way makes binary fractions of them.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Self, TypeAlias

import msgspec
from msgspec import Meta, Struct

from shared.http.strict_json import decode_json

TICK = "dev.knative.sources.ping"

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Moment: TypeAlias = date | datetime

Price: TypeAlias = Decimal
"""USD. May be NaN: what a source said is carried to store, which rejects it with a reason."""


class EventError(ValueError):
    """The data do not have the form of the event type."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """Part of an event."""


class Event(Part, frozen=True):
    """The data of an event; `TYPE` is the event's type and carries its version."""

    TYPE: ClassVar[str]

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return the event in *data*; EventError names the fault and its place."""
        try:
            return decode_json(data, cls)
        except (ValueError, RecursionError) as error:  # such as text that is not valid UTF-8
            raise EventError(str(error)) from error

    def to_json(self) -> bytes:
        """Return the event as JSON."""
        return msgspec.json.encode(self)


class Tick(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule or a person requested a check for missing data. PingSource → ingest, insights, alerts (by `job`).

    Without overrides: whatever is missing now. *start* and *end* (instants, or dates of sessions) fill [start, end);
    *lookback_sessions* looks for holes in the newest sessions. With *again* all bars of the window are fetched, the
    stored ones too, and revised where they differ. *requested_before* leaves out the tickers that a provider served
    since that instant: ticks with the same one fetch each window once.
    """

    TYPE = TICK
    tickers: tuple[str, ...] | None = None
    start: str | None = None
    end: str | None = None
    lookback_sessions: Annotated[int, Meta(ge=1, le=400)] | None = None
    again: bool = False
    requested_before: Instant | None = None

    def __post_init__(self) -> None:
        start, end = self.starts, self.ends
        if not start and (self.again or self.requested_before):
            raise ValueError("again, requested_before: need a start, from which on bars are fetched")
        if start and end and _day(end) < _day(start):
            raise ValueError(f"end {end} lies before start {start}")
        if isinstance(start, datetime) and isinstance(end, datetime) and end <= start:
            raise ValueError(f"end {end} is not after start {start}")

    @property
    def starts(self) -> Moment | None:
        """*start*, parsed."""
        return _moment("start", self.start) if self.start else None

    @property
    def ends(self) -> Moment | None:
        """*end*, parsed."""
        return _moment("end", self.end) if self.end else None


def _moment(name: str, text: str) -> Moment:
    try:
        moment = datetime.fromisoformat(text) if "T" in text or " " in text else date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name}: should be a date or an instant with its offset") from None
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError(f"{name}: an instant needs its offset")
    return moment


def _day(moment: Moment) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


class TickRefused(Event, frozen=True, kw_only=True):
    """A tick requested something impossible. ingest → store, which stores it as a dead letter.

    It is a reply and not an error, because an error would be retried for minutes before it became a dead letter too.
    """

    TYPE = "tech.stocksalot.tick.refused.v1"
    reason: str
    tick_id: str
    tick_data: str


class Bar(Part, frozen=True, kw_only=True, omit_defaults=True):
    """One bar as a source sent it. *start* is its opening instant; *volume* is in shares, None if it has none.

    *text* is the bar as the source wrote it, where a figure could not be read.
    """

    start: Instant
    open: Price | None
    high: Price | None
    low: Price | None
    close: Price | None
    volume: Price | None
    text: str | None = None


class RefusedBar(Part, frozen=True, kw_only=True):
    """A bar of a source that ingest could not parse: its *text*, and the *reason* (a code and a sentence)."""

    start: Instant | None
    reason: str
    detail: str
    text: str


class Series(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Bars of one ticker in the requested window [start, end); no bars means the source has none there.

    *confirmed_by* names a second source, where one was queried and agrees with the newest close. *source* is that of
    these bars where another provider served them than most. *refused* are texts of which ingest
    could make no bar.
    With a *reason* none of the bars may be stored: the labels of the response are not those that were requested.
    """

    ticker: str
    start: Instant
    end: Instant
    bars: tuple[Bar, ...]
    confirmed_by: str | None = None
    source: str | None = None
    refused: tuple[RefusedBar, ...] = ()
    reason: str | None = None
    detail: str = ""


class FetchFailure(Part, frozen=True, kw_only=True):
    """A ticker that every provider failed to serve, and the reason of the last one."""

    ticker: str
    reason: str


class BarsFetched(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A provider answered with bars. ingest → store.

    *failures* are the tickers that it did not serve. *configuration* is a digest of the configured providers.
    """

    TYPE = "tech.stocksalot.bars.fetched.v1"
    interval: str
    source: str
    fetched_at: Instant
    series: tuple[Series, ...]
    failures: tuple[FetchFailure, ...] = ()
    configuration: str | None = None


class ComparisonFetched(Event, frozen=True, kw_only=True):
    """Another provider answered with bars that are compared with the stored ones. ingest → store.

    *source* is that of the series that name none.
    """

    TYPE = "tech.stocksalot.comparison.fetched.v1"
    interval: str
    source: str
    fetched_at: Instant
    series: tuple[Series, ...]


class Company(Part, frozen=True, kw_only=True):
    """A company's profile. Market cap in millions of *currency*, shares in millions; None is unknown."""

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


class CompaniesFetched(Event, frozen=True, kw_only=True):
    """A provider answered with company profiles. ingest → store."""

    TYPE = "tech.stocksalot.companies.fetched.v1"
    source: str
    fetched_at: Instant
    companies: tuple[Company, ...]


class BarsStored(Event, frozen=True, kw_only=True):
    """A batch of bars was processed. store → alerts; store → insights if `hourcomplete` is "true".

    *first* and *last* are the starts of the oldest and newest bar of the batch, None when it had none.
    """

    TYPE = "tech.stocksalot.bars.stored.v1"
    interval: str
    tickers: tuple[str, ...]
    first: Instant | None
    last: Instant | None
    inserted: int
    revised: int
    unchanged: int
    rejected: int


class InsightsWritten(Event, frozen=True, kw_only=True):
    """Insights of an hour were written. insights → alerts; insights → insights if `words` is "wanted".

    *as_of* is the hour's end; *generator* is rules, model, or mixed.
    """

    TYPE = "tech.stocksalot.insights.written.v1"
    as_of: Instant
    generator: str
    count: int


class AlertsFired(Event, frozen=True, kw_only=True):
    """Rules of accounts fired, and messages are due. alerts → alerts, where the extension `delivery` is "wanted".

    *before* is an instant of the database's clock, until which the messages were created.
    """

    TYPE = "tech.stocksalot.alerts.fired.v1"
    before: Instant
