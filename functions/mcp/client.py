"""HTTP client of the public functions: forwards the identity of the caller, and returns problems as tool errors."""

import re
import ssl
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec

Members = Mapping[str, msgspec.Raw]
"""Members of a JSON object as raw JSON, so that figures keep their digits."""

_TIMEOUT = httpx2.Timeout(30, connect=5)
_EVERYWHERE = "stale"
"""Member of every response about the market."""
_MAX_TEXT = 2000
"""Maximum characters of an error, which may repeat input of the caller."""
_ADVICE = (
    "The person who set up this connection can create one on the account page of the site and add it as the header "
    "Authorization: Bearer sal_... (STOCKSALOT_TOKEN over standard input and output)"
)
_TOOLS = {"ohlc": "bars", "search": "tickers", "overview": "latest"}
"""Tools by path, where the names differ."""
_ARGUMENTS = {"/search": {"q": "search"}, "/insights": {"date": "session"}}
"""Arguments by path and parameter, where the names differ."""
_PATH = re.compile(r"(\. |^)?/(latest|ohlc|movers|insights|coverage|tickers|search|status|calendar|overview|alerts)\b")


class ToolError(Exception):
    """A call failed; the text names the change to make."""


class _Problem(msgspec.Struct):
    title: str
    detail: str


class Client:
    """Client of one function."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, name: str = "StocksALot") -> None:
        """*headers* are sent with every request; errors call the server *name*."""
        self._name = name
        # Within a cluster nothing needs the certificates, whose reading takes 40 ms of a cold start.
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.startswith("http:") else True
        self._client = httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=False, verify=verify
        )

    async def get(
        self, path: str, query: Mapping[str, object], headers: Mapping[str, str], member: str = _EVERYWHERE
    ) -> Members:
        """Return the JSON object at *path*. ToolError with the problem's text, or when the function does not respond.

        Parameters that are None are omitted. A response without *member* is not from StocksALot.
        """
        parameters = {name: str(value) for name, value in query.items() if value is not None}
        return await self._send("GET", path, headers, member, params=parameters)

    async def post(self, path: str, body: Mapping[str, object], headers: Mapping[str, str], member: str) -> Members:
        """Return the JSON object that a POST of *body* to *path* creates; otherwise like `get`."""
        given = {name: value for name, value in body.items() if value is not None}
        return await self._send("POST", path, headers, member, json=given)

    async def _send(self, method: str, path: str, headers: Mapping[str, str], member: str, **request: Any) -> Members:
        try:
            response = await self._client.request(method, path, headers=headers, **request)
        except httpx2.HTTPError as error:
            raise ToolError(
                f"{self._name} does not respond ({type(error).__name__}). Try again in a minute."
            ) from error
        if not response.is_success:
            raise ToolError(_describe(response, _ARGUMENTS.get(path, {})))
        try:
            members = msgspec.json.decode(response.content, type=dict[str, msgspec.Raw])
        except msgspec.DecodeError:
            members = {}
        if member not in members:
            raise ToolError(f"{response.url.host} did not respond as StocksALot does. Check its address.")
        return members


def _describe(response: httpx2.Response, arguments: Mapping[str, str]) -> str:
    """Return the problem's text, with *arguments* for the parameters of the path, and the time to wait, if given."""
    wait = response.headers.get("retry-after")
    again = f" Try again in {wait} s." if wait and wait.isdecimal() else ""
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.DecodeError:
        address = " Check its address." if response.status_code == 404 else ""
        return f"StocksALot responded {response.status_code}.{address}{again}"
    if response.status_code in (401, 403):
        return f"{problem.title}: {problem.detail.partition('. ')[0].rstrip('.')}. {_ADVICE}"
    detail = name_tools(problem.detail).replace("a next_cursor", "the cursor in next")
    for parameter, argument in arguments.items():
        detail = re.sub(rf"\b{parameter}\b", argument, detail)
    return f"{problem.title}: {detail}"[:_MAX_TEXT] + again


def name_tools(text: str) -> str:
    """Return *text* with paths replaced by the tools that request them."""
    return _PATH.sub(_tool, text)


def _tool(path: re.Match[str]) -> str:
    before, name = path.groups()
    article = "the" if before is None else f"{before}The"
    return f"{article} tool {_TOOLS.get(name, name)}"
