"""Members of a channel in responses, without secrets."""

from typing import Any
from urllib.parse import urlsplit

from functions.alerts.channels.queries import ChannelRow
from shared.http.problem import Problem
from shared.http.response_data import rfc3339


def channel_members(row: ChannelRow, key_id: str) -> dict[str, Any]:
    """Return the members of the channel; *key_id* is the generation of API_TOKEN_SECRET."""
    return {
        "id": row.channel_id,
        "kind": row.kind,
        "name": row.name,
        "target": _shown(row),
        "state": row.state,
        "secret_valid": row.kind == "email" or row.key_id == key_id,
        "failures": row.failures,
        "failing_since": row.failing_since and rfc3339(row.failing_since),
        "last_error": row.last_error,
        "last_delivered_at": row.delivered_at and rfc3339(row.delivered_at),
        "pending": row.pending,
        "created_at": rfc3339(row.created_at),
    }


def unknown_channel() -> Problem:
    """Return the 404 for a channel that the account does not have."""
    detail = "The account has no such channel. /alerts/channels lists its channels."
    return Problem(404, "unknown-channel", "Unknown channel", detail)


def _shown(row: ChannelRow) -> str:
    """Return the target of a channel, without the part of a URL that may be a secret."""
    if row.shown is not None:
        return row.shown
    parts = urlsplit(row.target)
    return f"{parts.scheme}://{parts.netloc}/" + ("..." if parts.path.strip("/") or parts.query else "")
