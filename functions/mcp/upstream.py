"""The public functions as the tools ask them: for whoever has asked, and with what they say when they refuse."""

from collections.abc import Mapping
from typing import Any

import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request

_PASSED_ON = ("authorization", "x-forwarded-for", "x-request-id", "traceparent", "tracestate")
"""Whose request it is: their rights and limits apply, and the logs tell one story."""
_TIMEOUT = httpx2.Timeout(30, connect=5)


class Upstream:
    """One function."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=_TIMEOUT, trust_env=False)

    async def get(self, path: str, query: Mapping[str, object], caller: Request | None) -> dict[str, Any]:
        """Return the JSON at *path*; ToolError with the text of the problem, or when the function does not answer.

        Parameters that are None are left out.
        """
        headers = {name: caller.headers[name] for name in _PASSED_ON if name in caller.headers} if caller else {}
        asked = {name: str(value) for name, value in query.items() if value is not None}
        try:
            answer = await self._client.get(path, params=asked, headers=headers)
        except httpx2.HTTPError as error:
            raise ToolError(f"StocksALot does not answer ({type(error).__name__}). Try again in a minute.") from error
        if answer.is_success:
            return answer.json()
        raise ToolError(_text(answer))


def _text(answer: httpx2.Response) -> str:
    """Return what a problem says and, where it does, how long to wait."""
    wait = answer.headers.get("retry-after")
    again = f" Try again in {wait} s." if wait and wait.isdecimal() else ""
    try:
        problem = answer.json()
        return f"{problem['title']}: {problem['detail']}{again}"
    except (ValueError, KeyError, TypeError):
        return f"StocksALot answered {answer.status_code}.{again}"
