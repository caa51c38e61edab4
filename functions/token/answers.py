"""What is answered: JSON that nobody may keep."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.responses import Response


def answer(status: int, members: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return the JSON object of *members*."""
    body = msgspec.json.encode(members) + b"\n"
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def nothing() -> Response:
    """Return the answer to what is done and has nothing to tell."""
    return Response(None, 204, {"Cache-Control": "no-store"})


def rfc3339(instant: datetime | None) -> str | None:
    """Return *instant* as all answers write it: UTC, whole seconds."""
    return instant and f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
