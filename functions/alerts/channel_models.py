"""Request and response models of channels of alerts, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from functions.alerts.response_models import Id
from functions.contract.fields import Count, Instant, Model

_P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
ChannelName = Annotated[str, Field(min_length=1, max_length=100, examples=["My server"])]
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
    """A browser's subscription in the format of PushSubscription.toJSON(); other members are ignored."""

    endpoint: Annotated[
        str, Field(max_length=2000, pattern="^https://", examples=["https://push.example.com/send/abc"])
    ]
    keys: SubscriptionKeys


class CreateChannel(Model):
    """A new channel. webhook and apprise need url, push needs subscription, email needs email."""

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
    """Code of the confirmation message."""

    code: Annotated[str, Field(max_length=100, examples=["7KQM-2XW9"])]


class ChangeChannel(Model):
    """Parts of a channel to change; omitted ones stay as they are."""

    name: ChannelName = "My server"
    state: Annotated[
        Literal["active", "disabled"],
        Field(description="disabled: pending and future messages are not sent", examples=["active"]),
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
            "for three days, the receiver wants none, or the account has turned it off",
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
            description="Why the kind is unavailable, and which settings enable it",
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
