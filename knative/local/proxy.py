"""Pass HTTP requests on to functions, as Knative's activator and queue-proxy do: held, streamed, timed."""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

import httpx

from knative.local.activator import Revision, UnavailableError
from knative.local.replicas import Replica

log = logging.getLogger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# About one connection, so not for the next one (RFC 9110 7.6.1).
_OF_CONNECTION = frozenset(
    b"connection expect keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    b" transfer-encoding upgrade".split()
)
_SET_HERE = frozenset((b"host", b"forwarded", b"k-proxy-request"))


class _ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


async def forward(revision: Revision, path: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass the request on to a replica of *revision* under *path*; answer 502, 503 or 504 in its place when need be."""
    function = revision.function
    begun = asyncio.Event()
    try:
        async with asyncio.timeout(function.timeout):
            while True:
                async with revision.acquire() as replica:
                    try:
                        return await _pass(replica, function.host, path, scope, receive, send, begun)
                    except httpx.LocalProtocolError:
                        # A header line that our server took and no client may send: Envoy refuses it as well.
                        return await answer(send, 400, "the request has a header line that is not HTTP")
                    except httpx.ConnectError:
                        revision.forget(replica)  # and try another: this one has got nothing of the request
                    except httpx.TransportError:
                        revision.forget(replica)
                        raise
    except UnavailableError as error:
        status, reason = 503, str(error)
    except TimeoutError:
        status, reason = 504, f"{function.name}: no whole answer within {function.timeout:g} s"
    except httpx.TransportError as error:
        status, reason = 502, f"{function.name} ended while it worked on the request ({type(error).__name__})"
    except _ClientGoneError:
        return
    log.warning("%d for %s %s: %s", status, scope["method"], scope["path"], reason)
    if not begun.is_set():  # else uvicorn cuts the connection for the unfinished answer, so that the client knows
        await answer(send, status, reason)


async def answer(send: Send, status: int, reason: str) -> None:
    """Answer a request with *status* and the *reason* as problem+json (RFC 9457), as the functions do."""
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": reason}
    body = json.dumps(problem).encode()
    told = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


async def _pass(
    replica: Replica, host: str, path: bytes, scope: Scope, receive: Receive, send: Send, begun: asyncio.Event
) -> None:
    """Forward the request to *replica*; *begun* is set with the response. httpx.ConnectError: nothing was sent."""
    target = path + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    request = httpx.Request(
        scope["method"],
        httpx.URL(scheme="http", host="127.0.0.1", port=replica.port),
        headers=_headers(scope, host),
        content=_body(receive) if _has_body(scope) else None,
        extensions={"target": target},  # byte for byte: httpx would write it anew
    )
    response = await replica.transport.handle_async_request(request)
    try:
        begun.set()
        headers = [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in _OF_CONNECTION]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        async for chunk in response.stream:  # pyright: ignore[reportGeneralTypeIssues]  the transport's is async
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await response.aclose()


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


def _headers(scope: Scope, host: str) -> Headers:
    """Return the request's headers with what a function behind Knative sees added."""
    came = [(name, value) for name, value in scope["headers"] if name not in _OF_CONNECTION | _SET_HERE]
    given = dict(scope["headers"])
    client = scope["client"][0]
    address = f'"[{client}]"' if ":" in client else client
    before = given.get(b"x-forwarded-for")
    chain = client.encode() if before is None else before + b", " + client.encode()
    added = {
        b"host": host.encode(),
        b"x-forwarded-for": chain,
        b"x-forwarded-proto": scope["scheme"].encode(),
        b"x-forwarded-host": given.get(b"host", b""),
        b"forwarded": f"for={address};proto={scope['scheme']}".encode(),
        b"x-request-id": given.get(b"x-request-id") or str(uuid.uuid4()).encode(),
        b"k-proxy-request": b"activator",
    }
    return [*((name, value) for name, value in came if name not in added), *added.items()]
