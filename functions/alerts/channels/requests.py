"""Requests about channels: what a client may state, and its types."""

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

ChannelKind: TypeAlias = Literal["webhook"]


class CreateChannel(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a channel."""

    kind: ChannelKind
    name: str
    url: str


class ChangeChannel(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a change of a channel; what is not given stays."""

    name: str | UnsetType = UNSET
    state: Literal["active"] | UnsetType = UNSET
