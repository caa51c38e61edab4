"""MCP endpoint: the SDK's server behind one path, stateless, so that any replica can handle a request."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message as AsgiMessage

from functions.mcp.client import Client
from functions.mcp.message import Message
from functions.mcp.sdk import StreamableHTTPSessionManager, TransportSecuritySettings
from functions.mcp.server import make_server
from functions.mcp.settings import Settings
from functions.mcp.tools import Tools
from shared.http.json_body import decode_body, read_timed_body
from shared.http.problem import Problem

PATH = "/mcp"
_MAX_BYTES = 64 * 1024
_ALLOW = {"Allow": "POST"}


class McpEndpoint:
    """Handles messages of the protocol. The SDK's task starts with the first one."""

    def __init__(self, settings: Settings) -> None:
        server = make_server(
            Tools(Client(settings.api_url), Client(settings.insights_url), Client(settings.alerts_url))
        )
        # The check of Host and Origin protects local servers that act for their user. This one has no cookies and
        # serves the same public data as the API beside it.
        security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        self._manager = StreamableHTTPSessionManager(
            server, json_response=True, stateless=True, security_settings=security
        )
        self._starting: asyncio.Task[None] | None = None
        self._started = asyncio.Event()

    async def respond(self, request: Request) -> Response:
        """Return the response to a message; Problem 404 or 405."""
        if request.scope["path"].rstrip("/") != PATH:
            raise Problem(404, "not-found", "Not found", f"No such path. The MCP endpoint is {PATH}.")
        if request.method != "POST":
            # GET would open a stream for server messages; this server sends none.
            detail = f"{request.method} is not allowed: send messages by POST. There are no sessions and no streams."
            raise Problem(405, "method-not-allowed", "Method not allowed", detail, headers=_ALLOW)
        if self._starting is None:
            self._starting = asyncio.create_task(self._run())
        await self._started.wait()
        return _Collected(await self._collect(request))

    async def _run(self) -> None:
        async with self._manager.run():
            self._started.set()
            await asyncio.Event().wait()

    async def _collect(self, request: Request) -> list[AsgiMessage]:
        """Return the ASGI messages that the SDK sends; Problem 400, 408, 413 or 415 for a body that is no message."""
        body = await read_timed_body(request, _MAX_BYTES)
        decode_body(request, body, Message)
        unread, sent = [body], list[AsgiMessage]()

        async def receive() -> AsgiMessage:
            return {"type": "http.request", "body": unread.pop()} if unread else await request.receive()

        async def collect(message: AsgiMessage) -> None:
            sent.append(message)

        await self._manager.handle_request(request.scope, receive, collect)
        return sent


class _Collected(Response):
    """A response made of the ASGI messages of the SDK."""

    def __init__(self, sent: list[AsgiMessage]) -> None:
        # The SDK sends nothing to a client that has disconnected.
        start = next((one for one in sent if one["type"] == "http.response.start"), {"status": 400, "headers": ()})
        body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        super().__init__(body, start["status"])
        self.raw_headers = [*start["headers"]]
