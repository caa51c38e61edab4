"""Response models of /status, / and /openapi.json. No running function imports them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from functions.contract.fields import Count, Day, Instant, Model, Reason, Source, Stale, Ticker, Zone


class SessionTimes(Model):
    """A trading day."""

    date: Day
    opens: Instant
    closes: Instant
    half_day: Annotated[bool, Field(examples=[False])]


class MarketStatus(Model):
    """State of the exchange."""

    state: Annotated[Literal["open", "closed", "unknown"], Field(description="unknown: after the calendar's last year")]
    calendar_until: Annotated[Day | None, Field(description="Last session that is known: migrate before it comes")]
    calendar_warning: Annotated[str | None, Field(description="Set when the trading calendar ends within 60 days")]
    session: Annotated[SessionTimes | None, Field(description="The current or last session")]
    next_open: Instant | None
    next_session: SessionTimes | None


class CalendarItem(SessionTimes):
    """A trading day."""

    bars: Annotated[int, Field(description="Hourly bars that it calls for", ge=1, le=7, examples=[7])]


class CalendarResponse(Model):
    """Sessions of the exchange."""

    count: Count
    stale: Stale
    exchange_tz: Zone
    answered_at: Instant
    open_now: bool
    next_change_at: Annotated[Instant | None, Field(description="Next close, if it is open; else the next opening")]
    reason: Reason
    items: list[CalendarItem]


class NewestBar(Model):
    """Newest bar of all tickers, and the number of tickers that have it."""

    datetime: Instant
    end: Instant
    tickers: Count


class Credits(Model):
    """Used part of a provider's budget, all keys together."""

    used: Count
    limit: Annotated[Count | None, Field(description="null: no limit")]


class ProviderPause(Model):
    """Pause of a provider that does not respond."""

    since: Annotated[Instant, Field(description="The first request without a response")]
    until: Annotated[Instant, Field(description="No request is made before")]
    reason: Annotated[str, Field(examples=["no answer in time", "HTTP 503"])]


class ProviderBudget(Model):
    """Budget of a provider."""

    provider: Annotated[str, Field(examples=["twelvedata"])]
    keys: Count
    minute: Credits
    day: Credits
    pause: ProviderPause | None


class ExcludedTicker(Model):
    """A ticker that no figure compares for now."""

    ticker: Ticker
    reason: Annotated[
        Literal["split", "split-suspected"],
        Field(description="Its bars are, or may be, on two scales because of a split"),
    ]
    detail: Annotated[
        str, Field(examples=["10:1 split on 2026-11-23: the history is being fetched again on the new scale."])
    ]
    since: Instant


class ModelRequest(Model):
    """Last request to the language model."""

    asked_at: Instant
    model: Annotated[str | None, Field(examples=["gpt-5-mini"])]
    outcome: Annotated[str, Field(description="`answered`, or a short reason", examples=["answered", "timeout"])]
    advice: Annotated[str, Field(description="What to do about it", examples=["no /v1 in the base URL"])]


class ModelStatus(Model):
    """Sentences that a language model proposed in the last seven days, by outcome."""

    requests: Count
    answered: Count
    proposed: Count
    accepted: Annotated[int, Field(description="Sentences accepted at first", ge=0)]
    repaired: Annotated[int, Field(description="Sentences accepted after one repair", ge=0)]
    fallen_back: Annotated[int, Field(description="Sentences of the rules that stayed", ge=0)]
    refused: Annotated[
        dict[str, Count],
        Field(description="Violations by reason; docs/insights.md explains them", examples=[{"size": 2}]),
    ]
    last: ModelRequest


class ClockStatus(Model):
    """Comparison of clocks; null: not compared, or the time is replayed."""

    wrong: Annotated[bool, Field(description="One differs by more than a minute", examples=[False])]
    ahead_of_database_seconds: Annotated[int | None, Field(examples=[0])]
    ahead_of_provider_seconds: Annotated[int | None, Field(examples=[0])]


class StatusResponse(Model):
    """State of the market and of the data."""

    as_of: Instant | None
    answered_at: Instant
    source: Source | None
    sources: list[Source]
    stale: Stale
    exchange_tz: Zone
    simulated: Annotated[bool, Field(description="The newest bars include simulated prices", examples=[True])]
    market: MarketStatus
    newest_bar: NewestBar | None
    data_age_seconds: Annotated[int | None, Field(examples=[1800])]
    newest_finished_bar: Annotated[Instant | None, Field(description="Start of the newest bar that should be stored")]
    next_bar_due: Instant | None
    tickers: Count
    behind: Annotated[Count, Field(description="Tickers without a bar that a provider may still have")]
    rejected_last_day: Count
    disagreements: Annotated[Count, Field(description="Stored bars from which a second provider differs")]
    compared_at: Annotated[Instant | None, Field(description="The last comparison with a second provider")]
    dead_letters: Count
    left_out: list[ExcludedTicker]
    epoch: Annotated[int, Field(description="Market version; increases with every change", examples=[418])]
    providers: list[ProviderBudget]
    model: Annotated[ModelStatus | None, Field(description="null: no model was asked")]
    clock: ClockStatus
    version: Annotated[str, Field(description="Release of StocksALot", examples=["1.0.0"])]


class Endpoint(Model):
    """An endpoint."""

    href: Annotated[str, Field(description="Relative to this document", examples=["ohlc/{ticker}"])]
    summary: str
    parameters: Annotated[dict[str, str], Field(examples=[{"limit": "Maximum number of bars for each ticker"}])]


class DirectoryResponse(Model):
    """Index of the endpoints."""

    count: Count
    about: Annotated[dict[str, str], Field(examples=[{"name": "StocksALot"}])]
    items: list[Endpoint]


class DocumentResponse(Model):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")
    openapi: Annotated[str, Field(examples=["3.1.1"])]
