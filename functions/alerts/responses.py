"""JSON responses that no cache may store; decimals are numbers with exactly their digits."""

from typing import Any

import msgspec
from starlette.responses import Response

_NO_STORE = {"Cache-Control": "no-store"}
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def json_response(status: int, members: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return *members* as a JSON object."""
    return Response(_ENCODER.encode(members) + b"\n", status, {**_NO_STORE, **(headers or {})}, "application/json")


def no_content() -> Response:
    """Return a 204."""
    return Response(None, 204, _NO_STORE)
