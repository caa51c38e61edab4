"""HTTP requests to receivers: to a checked address, without redirects, with limits of time and bytes."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, cast

import httpcore

from functions.alerts.delivery.addresses import RefusedTargetError, resolve
from functions.alerts.delivery.result import DeliveryResult

_TIMEOUTS = {"connect": 3.0, "read": 8.0, "write": 5.0, "pool": 1.0}
_TOTAL_SECONDS = 12
"""Limit of one attempt, which also ends a response that arrives byte by byte."""
_MAX_RESPONSE = 16 * 1024
"""Maximum number of bytes read of a response."""


class ReceiverResponse(NamedTuple):
    """Status and first bytes of a receiver's response."""

    status: int
    content: bytes


async def send_request(
    url: str, headers: Mapping[bytes | str, bytes | str], body: bytes, *, private: bool, method: str = "POST"
) -> ReceiverResponse | DeliveryResult:
    """Send *body* to *url* and return the response, or a failed result without one."""
    backend = CheckedBackend(private=private)
    try:
        async with (
            asyncio.timeout(_TOTAL_SECONDS),
            httpcore.AsyncConnectionPool(ssl_context=_tls(), network_backend=backend, retries=0) as pool,
            pool.stream(method, url, headers=headers, content=body, extensions={"timeout": _TIMEOUTS}) as response,
        ):
            return ReceiverResponse(response.status, await _read(response))
    except RefusedTargetError as error:
        return DeliveryResult(delivered=False, error=str(error))
    except (httpcore.TimeoutException, TimeoutError):
        return DeliveryResult(delivered=False, error="the receiver did not answer in time")
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        kind = "TLS failed" if isinstance(error.__cause__ or error, ssl.SSLError) else "no connection"
        return DeliveryResult(delivered=False, error=f"{kind}: {type(error).__name__}")


async def _read(response: httpcore.Response) -> bytes:
    """Return the first `_MAX_RESPONSE` bytes of the response."""
    content = b""
    async for part in response.aiter_stream():
        content += part
        if len(content) > _MAX_RESPONSE:
            break
    return content[:_MAX_RESPONSE]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Network of httpcore that resolves a host once, checks its addresses, and connects to one of them."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address of *host* that responds; RefusedTargetError."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in (await resolve(host, port, private=self._private))[:2]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Pause between attempts; httpcore's interface requires it."""
        await self._network.sleep(seconds)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
