"""JSON-RPC message of a client, validated before the SDK reads it, whose errors mention its validator."""

from typing import Annotated, Any, Literal

import msgspec

Identifier = Annotated[str, msgspec.Meta(max_length=200)]
"""The response repeats it."""


class Message(msgspec.Struct):
    """A request, or a notification, which has no `id`. Source: https://www.jsonrpc.org/specification, section 4.

    The server sends no requests, so it receives no responses.
    """

    jsonrpc: Literal["2.0"]
    method: str
    id: Identifier | int | msgspec.UnsetType = msgspec.UNSET
    params: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
