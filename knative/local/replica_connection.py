"""HTTP/1.1 connection to a replica: one request at a time, whose response is read while it arrives."""

import asyncio
import select
from collections import deque
from typing import cast

import httptools

_BUFFERED_BYTES = 256 * 1024
"""Reading pauses while that much of a response waits for a slow client."""


class ConnectionLostError(Exception):
    """The replica closed the connection before the end of its response, or sent something other than HTTP."""


class ReplicaConnection(asyncio.Protocol):
    """Protocol that parses responses with httptools."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._readable = select.poll()
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._closed = False
        self._begin()

    def _begin(self, *, to_head: bool = False) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_complete = False
        self._is_sent = False
        self._to_head = to_head
        self._is_framed = False
        self._has_head = False
        self._keeps_alive = False
        self._chunks: deque[bytes] = deque()
        self._buffered = 0

    def start_request(self, data: bytes, *, to_head: bool, more: bool) -> None:
        """Send the head of a request; *more* of its body follows. The response *to_head* has no body."""
        self._begin(to_head=to_head)
        self._write(data, more=more)

    async def send(self, data: bytes, *, more: bool) -> None:
        """Send a part of the body; wait while the replica reads slower than the client sends."""
        self._write(data, more=more)
        if self._writable:
            await self._writable

    async def wait_for_head(self) -> None:
        """Wait until *status* and *headers* are there."""
        while not self._has_head:
            await self._wait()

    async def read(self) -> bytes:
        """Return the next part of the body, empty at its end; *is_complete*: it is the last."""
        while not self._chunks:
            if self.is_complete:
                return b""
            await self._wait()
        part = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._buffered > _BUFFERED_BYTES and self._transport and not self._closed:
            self._transport.resume_reading()
        self._buffered = 0
        return part

    def fail(self, error: BaseException) -> None:
        """End the request with *error*."""
        self._error = self._error or error
        self._wake()

    def close(self) -> None:
        """Close the connection at once."""
        self._closed = True
        if self._transport:
            self._transport.abort()

    @property
    def is_reusable(self) -> bool:
        """Return whether another request may be sent: a replica that has gone is noticed here."""
        done = self.is_complete and self._is_sent and self._keeps_alive and self._error is None
        return done and not self._closed and not self._readable.poll(0)

    def _write(self, data: bytes, *, more: bool) -> None:
        self._is_sent = not more
        if self._transport and not self._closed:
            self._transport.write(data)

    async def _wait(self) -> None:
        if self._error:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    # Callbacks of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._readable.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Parse a part of the response; between responses nothing may come."""
        if self.is_complete:
            return self.close()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.fail(ConnectionLostError(f"not HTTP: {error}"))
            self.close()
        self._wake()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """End a response that has no other end, or fail."""
        self._closed = True
        if self._has_head and not self._is_framed and exc is None:
            self.is_complete = True
        self.fail(ConnectionLostError("closed by the function"))
        self.resume_writing()

    def pause_writing(self) -> None:
        """Make `send` wait."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Make `send` continue."""
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        """Begin a response; a second one was not requested."""
        if self.is_complete:
            raise ConnectionLostError("more than one response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; trailers are dropped."""
        if not self._has_head:
            name = name.lower()
            self._is_framed = self._is_framed or name in (b"content-length", b"transfer-encoding")
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin the body."""
        status = self._parser.get_status_code()
        if status < 200:  # informational: the response comes after it
            self.headers.clear()
            return
        self.status, self._has_head = status, True
        self._keeps_alive = self._parser.should_keep_alive()
        if self._to_head:  # the parser would wait for the body of the length that is announced
            self.is_complete = True
            self._parser = httptools.HttpResponseParser(self)

    def on_body(self, body: bytes) -> None:
        """Collect a part of the body."""
        if self.is_complete:
            raise ConnectionLostError("a body where there can be none")
        self._chunks.append(body)
        before, self._buffered = self._buffered, self._buffered + len(body)
        if before <= _BUFFERED_BYTES < self._buffered and self._transport:
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """End the response."""
        if self._has_head:
            self.is_complete = True
