"""HTTP proxy to functions, like Knative's activator and queue-proxy: it queues, streams and times out requests."""

import asyncio
import errno
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from knative.local.activator import NoReplicaError, Revision
from knative.local.proxied_request import OF_CONNECTION, InvalidRequestError, ProxiedRequest, make_request
from knative.local.replica_connection import ConnectionLostError, ReplicaConnection

log = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _ClientGoneError(Exception):
    """The client has disconnected."""


class _Exchange:
    """One request and its response between the client's connection and a replica's."""

    def __init__(self, request: ProxiedRequest, receive: Receive, send: Send) -> None:
        self._request, self._receive, self._send = request, receive, send
        self._feeding: asyncio.Task[None] | None = None
        self.has_begun = False
        """True once the response has started."""

    async def run(self, connection: ReplicaConnection) -> None:
        """Send the request on *connection* and pass the response on while it arrives."""
        try:
            await self._start(connection)
            await connection.wait_for_head()
            self.has_begun = True
            headers = [header for header in connection.headers if header[0] not in OF_CONNECTION]
            await self._send({"type": "http.response.start", "status": connection.status, "headers": headers})
            while not connection.is_complete:
                self._feeding = self._feeding or asyncio.create_task(self._feed(connection, more=False))
                if part := await connection.read():
                    await self._send({"type": "http.response.body", "body": part, "more_body": True})
            await self._send({"type": "http.response.body", "body": await connection.read()})
        finally:
            if self._feeding:
                self._feeding.cancel()

    async def _start(self, connection: ReplicaConnection) -> None:
        """Send the head, and the body too when it has come already."""
        request, part, more = self._request, b"", False
        if request.has_body:
            body, more = await self._receive_part()
            part = request.frame(body, more=more)
        connection.start_request(request.head + part, to_head=request.is_head, more=more)
        if more:
            self._feeding = asyncio.create_task(self._feed(connection, more=True))

    async def _feed(self, connection: ReplicaConnection, *, more: bool) -> None:
        """Send the rest of the body; then, and without a body, wait for the end of the client's connection."""
        try:
            while more:
                part, more = await self._receive_part()
                await connection.send(self._request.frame(part, more=more), more=more)
            while True:
                await self._receive_part()
        except _ClientGoneError as error:
            connection.fail(error)

    async def _receive_part(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        return message.get("body", b""), message.get("more_body", False)


async def forward(revision: Revision, path: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass the request on to a replica of *revision* under *path*; answer 400, 502, 503 or 504 when that fails."""
    function = revision.function
    exchange = None
    try:
        exchange = _Exchange(make_request(scope, path, function.host), receive, send)
        async with asyncio.timeout(function.timeout):
            return await _pass(revision, exchange)
    except InvalidRequestError as error:
        status, reason = 400, str(error)
    except NoReplicaError as error:
        status, reason = 503, str(error)
    except TimeoutError:
        status, reason = 504, f"{function.name}: no complete response within {function.timeout:g} s"
    except ConnectionLostError as error:
        status, reason = 502, f"{function.name} exited while it handled the request ({error})"
    except _ClientGoneError:
        return
    log.warning("%d for %s %s: %s", status, scope["method"], scope["path"], reason)
    if not (exchange and exchange.has_begun):  # else uvicorn closes the connection, so that the client notices
        await answer(send, status, reason)


async def _pass(revision: Revision, exchange: _Exchange) -> None:
    while True:
        replica = revision.take_free() or await revision.take()
        connection = None
        try:
            connection = replica.idle_connection() or await replica.connect()
            return await exchange.run(connection)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise NoReplicaError("the runner has no file descriptors left") from error
            revision.forget(replica)  # it accepts no connections and has received nothing: another one may
        finally:
            if connection:
                replica.give_back(connection)
            revision.give_back(replica)


async def answer(send: Send, status: int, reason: str) -> None:
    """Answer a request with *status* and the *reason* as problem+json (RFC 9457), as the functions do."""
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": reason}
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
