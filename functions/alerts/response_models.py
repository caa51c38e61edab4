"""Request and response models of alerts, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from functions.alerts.rules.condition import Basis, Direction, Kind, Repeat, Span
from functions.contract.fields import Count, Day, Instant, Model, Number, Source

ID_EXAMPLE = "3f0c9a51-6f0e-4f0e-8a53-0d6f4b1c7e22"
_P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
Id = Annotated[str, Field(pattern="^[0-9a-f-]{36}$", examples=[ID_EXAMPLE])]
TickerOrAll = Annotated[
    str, Field(description="A ticker, or * for every tracked stock", pattern=r"^(\*|[A-Za-z][A-Za-z0-9./-]{0,14})$",
               examples=["NVDA"])
]  # fmt: skip
ChannelName = Annotated[str, Field(min_length=1, max_length=100, examples=["My server"])]
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
    """A new alert. ticker or list; direction, basis, span and amount: those that its kind has."""

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
    """Parts of an alert to change. What is not given stays; another condition counts from now on."""

    ticker: TickerOrAll = ""
    list: str = ""
    direction: Direction = "any"
    basis: Basis = "previous_close"
    span: Span = "20_sessions"
    amount: Annotated[float | None, Field(examples=[3])] = None
    repeat: Repeat = "once"
    channels: _Channels = None
    state: Annotated[
        Literal["active", "paused"], Field(description="active also starts one anew that is done", examples=["paused"])
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
        Literal["active", "paused", "done"], Field(description="done: it was to fire once and has", examples=["active"])
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
    """Bar that was judged."""

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
    """A firing of an alert, or its correction, with the bar and the figures that it rests on."""

    id: Id
    alert: Id
    sentence: Annotated[
        str, Field(examples=["Tell me when NVDA falls 3% or more below the previous close, once a session."])
    ]
    kind: Annotated[
        Literal["fired", "corrected"],
        Field(description="corrected: a bar was revised, and the firing that it corrects does not hold any more"),
    ]
    corrects: Annotated[Id | None, Field(description="Firing that it takes back")]
    corrected: Annotated[bool, Field(description="It was taken back since", examples=[False])]
    text: Annotated[str, Field(examples=["NVDA is at $135.20, 3.42% below the previous close of $139.99."])]
    ticker: Annotated[str, Field(examples=["NVDA"])]
    bar: FiringBar
    price: Annotated[Number | None, Field(description="Close of the bar", examples=[135.2])]
    value: Annotated[Number | None, Field(description="Figure that was judged, see kind", examples=[-3.4217])]
    bound: Annotated[
        Number | None, Field(description="What it was judged against: a price, or times", examples=[139.99])
    ]
    fired_at: Instant
    deliveries: list[Delivery]


class FiringsResponse(Model):
    """Firings and corrections of alerts, newest first."""

    count: Count
    next_cursor: Annotated[str | None, Field(examples=["before-1795185000000000-3f0c9a516f0e4f0e8a530d6f4b1c7e22"])]
    items: list[Firing]


ChannelKind = Annotated[
    Literal["webhook", "push", "email", "apprise"],
    Field(
        description="webhook: as Standard Webhooks specifies. push: a browser. email: an address that is confirmed by "
        "a code. apprise: Slack, Discord, Telegram, ntfy, Gotify or Pushover",
    ),
]


class SubscriptionKeys(BaseModel):
    """Keys of a browser's subscription."""

    p256dh: Annotated[str, Field(max_length=200, examples=[_P256DH])]
    auth: Annotated[str, Field(max_length=200, examples=["BTBZMqHH6r4Tts7J_aSIgg"])]


class Subscription(BaseModel):
    """A browser's subscription, as PushSubscription.toJSON() gives it; other members are ignored."""

    endpoint: Annotated[
        str, Field(max_length=2000, pattern="^https://", examples=["https://push.example.com/send/abc"])
    ]
    keys: SubscriptionKeys


class CreateChannel(Model):
    """A new channel. A webhook and a service have a url, a browser a subscription, mail an address."""

    kind: ChannelKind
    name: ChannelName
    url: Annotated[
        str,
        Field(
            description="webhook: https, a public address. apprise: discord://, gotifys://, ntfys://, pover://, "
            "slack:// or tgram://, as Apprise writes it, with one recipient. ASCII",
            min_length=1,
            max_length=2000,
            examples=["https://example.com/hooks/stocks"],
        ),
    ] = ""
    subscription: Annotated[Subscription | None, Field(description="Of push")] = None
    email: Annotated[str | None, Field(description="Of email", max_length=254, examples=["me@example.com"])] = None


class ConfirmChannel(Model):
    """Code of the message that was sent to an address."""

    code: Annotated[str, Field(max_length=100, examples=["7KQM-2XW9"])]


class ChangeChannel(Model):
    """Parts of a channel to change. What is not given stays."""

    name: ChannelName = "My server"
    state: Annotated[
        Literal["active", "disabled"],
        Field(description="disabled: what waits and what fires from now on is not sent", examples=["active"]),
    ] = "active"


class Channel(Model):
    """A channel of the account, without its secret."""

    id: Id
    kind: ChannelKind
    name: ChannelName
    target: Annotated[
        str,
        Field(
            description="Where it leads, without secrets: the start of an address, the host of a push service, the "
            "address of mail, the name of a service",
            examples=["https://example.com/..."],
        ),
    ]
    state: Annotated[
        Literal["unconfirmed", "active", "disabled"],
        Field(
            description="unconfirmed: the reader of the address has not given the code yet. disabled: messages failed "
            "for three days, or the receiver wants none",
            examples=["active"],
        ),
    ]
    secret_valid: Annotated[
        bool,
        Field(
            description="false: the key of the installation has changed; request a new secret for a webhook, create "
            "another channel anew",
            examples=[True],
        ),
    ]
    failures: Annotated[int, Field(ge=0, description="Failed attempts since the last delivery", examples=[0])]
    failing_since: Instant | None
    last_error: Annotated[str | None, Field(examples=["the receiver answered 503"])]
    last_delivered_at: Instant | None
    pending: Annotated[int, Field(ge=0, description="Messages that wait", examples=[0])]
    created_at: Instant


class ChannelKindAvailability(Model):
    """A kind of channel, and whether this installation has it."""

    kind: ChannelKind
    available: Annotated[bool, Field(examples=[True])]
    reason: Annotated[
        str | None,
        Field(
            description="Why not: what the operator of the installation can set",
            examples=["The operator can set SMTP_HOST and SMTP_FROM."],
        ),
    ]


class ChannelsResponse(Model):
    """Channels of the account, oldest first."""

    count: Count
    limit: Annotated[int, Field(description="Channels that an account may have", examples=[10])]
    kinds: list[ChannelKindAvailability]
    push_key: Annotated[
        str | None,
        Field(
            description="Public key for PushManager.subscribe, in base64url; null: no web push here", examples=[_P256DH]
        ),
    ]
    items: list[Channel]


class NewChannelResponse(Channel):
    """A channel with the secret of a webhook, which is shown only once."""

    secret: Annotated[
        Annotated[str, Field(pattern="^whsec_[0-9A-Za-z+/=]{44}$")] | None,
        Field(
            description="Verifies messages of a webhook, as Standard Webhooks specifies; shown only once. null: it is "
            "no webhook",
            examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
        ),
    ]


class TestResponse(Model):
    """Result of a test message."""

    delivered: Annotated[bool, Field(examples=[True])]
    error: Annotated[str | None, Field(examples=[None])]
