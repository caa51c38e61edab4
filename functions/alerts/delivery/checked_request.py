"""HTTP requests of channels: each leads to a checked address, follows no redirect, and is bounded in time and bytes."""

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
"""Of one attempt, so that an answer in drops ends, too."""
_MAX_RESPONSE = 16 * 1024
"""Bytes that are read of a response."""


class ReceiverResponse(NamedTuple):
    """Status of a receiver, and the first bytes of its response."""

    status: int
    content: bytes


async def send_request(
    url: str, headers: Mapping[bytes | str, bytes | str], body: bytes, *, private: bool, method: str = "POST"
) -> ReceiverResponse | DeliveryResult:
    """Return the answer to *body* at *url*, or why there was none."""
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
    """Return the response up to a bound."""
    content = b""
    async for part in response.aiter_stream():
        content += part
        if len(content) > _MAX_RESPONSE:
            break
    return content[:_MAX_RESPONSE]


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Network of httpcore in which a host is resolved once, checked, and connected to by its address."""

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
        """Connect to the first checked address of *host* that answers; RefusedTargetError."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in (await resolve(host, port, private=self._private))[:2]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Pause between attempts, of which there are none."""
        await self._network.sleep(seconds)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
