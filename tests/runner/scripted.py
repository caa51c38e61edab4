"""A front door over a function on a plain socket, whose responses are bytes of the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httptools

from knative.local.activator import Revision
from knative.local.application import Environment, Function, Route
from knative.local.front_door import FrontDoor
from knative.local.listener import Listener, bind
from knative.local.replicas import Replica

NAME = ("test", "sample")
FUNCTION = Function(
    *NAME, Environment({}, frozenset(), {}), public=True, concurrency=0, target=100,
    min_scale=0, max_scale=1, timeout=5, idle=60,
)  # fmt: skip
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ResponseCount:
    """Number of whole responses, counted by the parser of httptools."""

    whole = 0

    def on_message_complete(self) -> None:
        """Count one."""
        self.whole += 1


class Scripted:
    """The front door's port, and what the function has received on each connection."""

    def __init__(self, respond: bytes | Respond) -> None:
        self._respond = respond
        self.received: list[bytearray] = []
        self.closed = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be the function for one connection: respond to each packet that ends a request."""
        received = bytearray()
        self.received.append(received)
        with suppress(ConnectionError):
            while part := await reader.read(65536):
                received += part
                if not isinstance(self._respond, bytes):
                    await self._respond(reader, writer)
                elif received.endswith((b"\r\n\r\n", b"end")):
                    writer.write(self._respond)
        self.closed.set()
        writer.close()

    async def send(self, *parts: bytes, responses: int = 1) -> bytes:
        """Send *parts* on one connection; return what comes back until it is closed or so many responses are whole."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        count = ResponseCount()
        parser = httptools.HttpResponseParser(count)
        got = b""
        with suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.02)
            while count.whole < responses and (part := await asyncio.wait_for(reader.read(65536), 20)):
                got += part
                parser.feed_data(part)
            with suppress(TimeoutError):  # what comes too much comes at once
                got += await asyncio.wait_for(reader.read(65536), 0.05)
        writer.close()
        return got


@asynccontextmanager
async def scripted(folder: Path, respond: bytes | Respond = OK) -> AsyncIterator[Scripted]:
    """Serve the function and the front door before it."""
    script = Scripted(respond)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    revision, replica, sockets = Revision(FUNCTION, {}, folder), Replica("sample"), bind(0)
    replica.port = server.sockets[0].getsockname()[1]
    revision.replicas.append(replica)
    listener = Listener(FrontDoor([Route(["localhost"], "/", None, NAME)], {NAME: revision}), sockets)
    await listener.start()
    script.port = sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        await listener.stop()
        await replica.stop(1)
        server.close()
