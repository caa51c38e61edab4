"""Request and response models of alerts and firings, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from functions.alerts.rules.condition import Basis, Direction, Kind, Repeat, Span
from functions.contract.fields import Count, Day, Instant, Model, Number, Source

ID_EXAMPLE = "3f0c9a51-6f0e-4f0e-8a53-0d6f4b1c7e22"
Id = Annotated[str, Field(pattern="^[0-9a-f-]{36}$", examples=[ID_EXAMPLE])]
TickerOrAll = Annotated[
    str, Field(description="A ticker, or * for every tracked stock", pattern=r"^(\*|[A-Za-z][A-Za-z0-9./-]{0,14})$",
               examples=["NVDA"])
]  # fmt: skip
_KIND = (
    "price: the close of an hour above or below amount (USD). change: the close of an hour amount percent or more "
    "up or down from basis. volume: the session's volume so far, amount times the usual or more. extreme: a new high "
    "or low of span. insight: an insight about the stock, of significance amount or more. missing: a bar is missing"
)
RuleKind = Annotated[Kind, Field(description=_KIND, examples=["change"])]
_Direction = Annotated[
    Direction | None,
    Field(description="price: above, below. change: up, down, any. extreme: high, low", examples=["down"]),
]
_Basis = Annotated[Basis | None, Field(description="Of change", examples=["previous_close"])]
_Span = Annotated[Span | None, Field(description="Of extreme", examples=[None])]
_Amount = Annotated[
    Decimal | None,
    Field(
        description="Of price, change, volume; optional for insight; at most four decimals",
        json_schema_extra={"type": "number"},
        examples=[3],
    ),
]
_Repeat = Annotated[
    Repeat,
    Field(description="once, once a session, or for each bar; of * each stock counts by itself", examples=["session"]),
]
_Channels = Annotated[list[Id] | None, Field(description="Channels it uses; null: all of the account", examples=[None])]
_List = Annotated[
    Id | None,
    Field(description="List of the account: each stock that is in it at the time, by itself", examples=[None]),
]


class CreateAlert(Model):
    """A new alert, of a ticker or a list, with the direction, basis, span and amount that its kind needs."""

    kind: RuleKind
    ticker: TickerOrAll | None = None
    list: Annotated[
        str | None, Field(description="Id or name of a list of the account, instead of ticker", examples=[None])
    ] = None
    direction: _Direction = None
    basis: _Basis = None
    span: _Span = None
    amount: Annotated[float | None, Field(description="See kind; at most four decimals", examples=[3])] = None
    repeat: _Repeat = "once"
    channels: _Channels = None


class ChangeAlert(Model):
    """Parts of an alert to change; omitted ones stay as they are. A new condition applies from now on."""

    ticker: TickerOrAll = ""
    list: str = ""
    direction: Direction = "any"
    basis: Basis = "previous_close"
    span: Span = "20_sessions"
    amount: Annotated[float | None, Field(examples=[3])] = None
    repeat: Repeat = "once"
    channels: _Channels = None
    state: Annotated[
        Literal["active", "paused"], Field(description="active also restarts a rule that is done", examples=["paused"])
    ] = "active"


class Alert(Model):
    """An alert of the account."""

    id: Id
    sentence: Annotated[
        str, Field(examples=["Tell me when NVDA falls 3% or more below the previous close, once a session."])
    ]
    ticker: Annotated[TickerOrAll | None, Field(description="null: the tickers of list")]
    list: _List
    kind: RuleKind
    direction: _Direction
    basis: _Basis
    span: _Span
    amount: Annotated[Number | None, Field(examples=[3])]
    repeat: _Repeat
    channels: _Channels
    state: Annotated[
        Literal["active", "paused", "done"], Field(description="done: a one-time rule that fired", examples=["active"])
    ]
    created_at: Instant
    changed_at: Instant
    fired: Annotated[int, Field(ge=0, description="How often it fired", examples=[2])]
    last_fired_at: Instant | None


class AlertsResponse(Model):
    """Alerts of the account, oldest first."""

    count: Count
    limit: Annotated[int, Field(description="Alerts that an account may have", examples=[50])]
    items: list[Alert]


class FiringBar(Model):
    """Bar for which the alert was evaluated."""

    start: Instant
    end: Instant
    interval: Literal["1h"]
    session: Day
    revision: Annotated[Count | None, Field(description="Its revision then; null: there was no bar", examples=[0])]
    source: Source | None
    link: Annotated[
        str,
        Field(
            description="Address of the bar, relative to the root of this API",
            examples=["/ohlc/NVDA?start=2026-11-20T20:30:00Z&end=2026-11-20T21:00:00Z"],
        ),
    ]


class Delivery(Model):
    """Message about a firing to one channel."""

    channel: Id
    state: Literal["pending", "delivered", "failed"]
    attempts: Count
    next_attempt_at: Instant | None
    delivered_at: Instant | None
    error: Annotated[str | None, Field(description="Of the last attempt", examples=["the receiver answered 503"])]


class Firing(Model):
    """A firing of an alert, or its correction, with the bar and the figures behind it."""

    id: Id
    alert: Id
    sentence: Annotated[
        str, Field(examples=["Tell me when NVDA falls 3% or more below the previous close, once a session."])
    ]
    kind: Annotated[
        Literal["fired", "corrected"],
        Field(description="corrected: a bar was revised, so that the firing in corrects no longer holds"),
    ]
    corrects: Annotated[Id | None, Field(description="Firing that it revokes")]
    corrected: Annotated[bool, Field(description="It has been revoked", examples=[False])]
    text: Annotated[str, Field(examples=["NVDA is at $135.20, 3.42% below the previous close of $139.99."])]
    ticker: Annotated[str, Field(examples=["NVDA"])]
    bar: FiringBar
    price: Annotated[Number | None, Field(description="Close of the bar", examples=[135.2])]
    value: Annotated[Number | None, Field(description="Evaluated figure, see kind", examples=[-3.4217])]
    bound: Annotated[
        Number | None, Field(description="Value it was compared with: a price, or times", examples=[139.99])
    ]
    fired_at: Instant
    deliveries: list[Delivery]


class FiringsResponse(Model):
    """Firings and corrections of alerts, newest first."""

    count: Count
    next_cursor: Annotated[str | None, Field(examples=["before-1795185000000000-3f0c9a516f0e4f0e8a530d6f4b1c7e22"])]
    items: list[Firing]
