"""HTTP client of the public functions: sends the caller's identity along, and returns problems as tool errors."""

from collections.abc import Mapping
from typing import Any

import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request

_FORWARDED = ("authorization", "x-forwarded-for", "x-request-id", "traceparent", "tracestate")
"""Headers of the caller: their permissions and limits apply, and logs share one request ID."""
_TIMEOUT = httpx2.Timeout(30, connect=5)


class Client:
    """Client of one function."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=_TIMEOUT, trust_env=False)

    async def get(self, path: str, query: Mapping[str, object], caller: Request | None) -> dict[str, Any]:
        """Return the JSON at *path*. ToolError with the problem's text, or when the function does not respond.

        Parameters that are None are omitted.
        """
        headers = {name: caller.headers[name] for name in _FORWARDED if name in caller.headers} if caller else {}
        parameters = {name: str(value) for name, value in query.items() if value is not None}
        try:
            response = await self._client.get(path, params=parameters, headers=headers)
        except httpx2.HTTPError as error:
            raise ToolError(f"StocksALot does not respond ({type(error).__name__}). Try again in a minute.") from error
        if response.is_success:
            return response.json()
        raise ToolError(_text(response))


def _text(response: httpx2.Response) -> str:
    """Return the problem's text and, if given, the time to wait."""
    wait = response.headers.get("retry-after")
    again = f" Try again in {wait} s." if wait and wait.isdecimal() else ""
    try:
        problem = response.json()
        return f"{problem['title']}: {problem['detail']}{again}"
    except (ValueError, KeyError, TypeError):
        return f"StocksALot responded {response.status_code}.{again}"
