"""A function inside the test's own process, behind a synchronous client: no socket, no start of a process."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import cast

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send


@contextmanager
def serving_handler(handler: Callable[[Request], Awaitable[Response]]) -> Iterator[httpx.Client]:
    """Yield a client of *handler*, which runs in an event loop of its own until the block ends."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await (await handler(Request(scope, receive)))(scope, receive, send)

    plain = {"Accept-Encoding": "identity"}
    with TestClient(app, "http://127.0.0.1", headers=plain, client=("127.0.0.1", 50000)) as client:
        yield cast("httpx.Client", client)  # of httpx2, where that is installed


async def _live(receive: Receive, send: Send) -> None:
    for event in ("startup", "shutdown"):
        await receive()
        done: Message = {"type": f"lifespan.{event}.complete"}
        await send(done)
