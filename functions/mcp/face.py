"""The SDK's server behind one path: each request stands alone, so that any copy can answer it."""

import asyncio

from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from functions.mcp.settings import Settings
from functions.mcp.tools import make_server
from shared.http.problem import Problem

PATH = "/mcp"
_MOST_BYTES = 64 * 1024
_ALLOW = {"Allow": "POST"}


class Face:
    """Answers messages; the SDK's own task starts with the first one."""

    def __init__(self, settings: Settings) -> None:
        server = make_server(settings)
        # Its check of Host and Origin guards servers on a desk that act for their user. This one acts for nobody: it
        # has no cookie, and whoever reaches it reaches the same data beside it.
        anybody = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        server.streamable_http_app(
            json_response=True,
            stateless_http=True,
            transport_security=anybody,
            max_request_body_size=_MOST_BYTES,
        )
        self._manager = server.session_manager
        self._starting: asyncio.Task[None] | None = None
        self._started = asyncio.Event()

    async def answer(self, request: Request) -> Response:
        """Return the answer to a message; Problem 404, 405."""
        if request.scope["path"].rstrip("/") != PATH:
            raise Problem(404, "not-found", "Not found", f"There is nothing at this path. Assistants ask {PATH}.")
        if request.method != "POST":
            # GET would open a stream of what the server has to say by itself, which is nothing.
            what = f"{request.method} is not possible here: messages come by POST, and there are no sessions to end."
            raise Problem(405, "method-not-allowed", "Method not allowed", what, headers=_ALLOW)
        if self._starting is None:
            self._starting = asyncio.create_task(self._run())
        await self._started.wait()
        return _Collected(await self._collect(request))

    async def _run(self) -> None:
        async with self._manager.run():
            self._started.set()
            await asyncio.Event().wait()

    async def _collect(self, request: Request) -> list[Message]:
        """Return what the SDK's application sends."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._manager.handle_request(request.scope, request.receive, keep)
        return sent


class _Collected(Response):
    """An answer that the SDK has made, whole."""

    def __init__(self, sent: list[Message]) -> None:
        # Nothing is sent to a client that has gone.
        start = next((one for one in sent if one["type"] == "http.response.start"), {"status": 400, "headers": ()})
        body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        super().__init__(body, start["status"])
        self.raw_headers = [*start["headers"]]
