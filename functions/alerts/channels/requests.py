"""Request bodies of /alerts/channels."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from functions.alerts.channels.kinds import ChannelKind


class SubscriptionKeys(msgspec.Struct):
    """Keys of a browser's subscription, in base64url."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct):
    """A browser's subscription, in the format of PushSubscription.toJSON(); other members are ignored."""

    endpoint: str
    keys: SubscriptionKeys


class CreateChannel(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a channel; its kind determines which of the last three it needs."""

    kind: ChannelKind
    name: str
    url: str | None = None
    subscription: Subscription | None = None
    email: str | None = None


class ChangeChannel(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a change of a channel; omitted fields stay as they are."""

    name: str | UnsetType = UNSET
    state: Literal["active", "disabled"] | UnsetType = UNSET


class ConfirmChannel(msgspec.Struct, forbid_unknown_fields=True):
    """Request that confirms an address with the code sent to it."""

    code: str
