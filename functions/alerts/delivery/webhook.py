"""Webhooks as Standard Webhooks specifies them: the signature, and one request that leads to a checked address."""

import asyncio
import base64
import hmac
import ssl
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, cast

import httpcore

from functions.alerts.delivery.addresses import RefusedTargetError, resolve
from functions.alerts.delivery.outcome import Outcome

_PREFIX = "whsec_"
_TIMEOUTS = {"connect": 3.0, "read": 8.0, "write": 5.0, "pool": 1.0}
_TOTAL_SECONDS = 12
"""Of one attempt, so that an answer in drops ends, too."""
_MAX_RESPONSE = 16 * 1024
"""Bytes that are read of a response; nothing is done with them but to keep the connection orderly."""
_GONE = 410


def make_secret(key: str, salt: str) -> str:
    """Return the secret of a webhook, derived from API_TOKEN_SECRET and the channel's *salt*."""
    digest = hmac.digest(key.encode(), f"secret of a webhook {salt}".encode(), "sha256")
    return _PREFIX + base64.b64encode(digest).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header webhook-signature: HMAC-SHA-256 of id, timestamp and body, in base64."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, content, 'sha256')).decode()}"


async def post_webhook(
    url: str, secret: str, message_id: str, timestamp: int, body: bytes, *, private: bool
) -> Outcome:
    """Send *body* to *url* and return what became of it: any 2xx is a delivery, 410 the end of the channel.

    A redirect is an answer like any other and is not followed.
    """
    headers: dict[bytes | str, bytes | str] = {
        "content-type": "application/json",
        "user-agent": "StocksALot",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
    status = await post(url, headers, body, private=private)
    if isinstance(status, Outcome):
        return status
    if 200 <= status < 300:
        return Outcome(delivered=True)
    return Outcome(delivered=False, error=f"the receiver answered {status}", gone=status == _GONE)


async def post(url: str, headers: Mapping[bytes | str, bytes | str], body: bytes, *, private: bool) -> int | Outcome:
    """Return the status of the answer to *body* at *url*, or why there was none."""
    backend = CheckedBackend(private=private)
    try:
        async with (
            asyncio.timeout(_TOTAL_SECONDS),
            httpcore.AsyncConnectionPool(ssl_context=_tls(), network_backend=backend, retries=0) as pool,
            pool.stream("POST", url, headers=headers, content=body, extensions={"timeout": _TIMEOUTS}) as response,
        ):
            await _skip(response)
            return response.status
    except RefusedTargetError as error:
        return Outcome(delivered=False, error=str(error))
    except (httpcore.TimeoutException, TimeoutError):
        return Outcome(delivered=False, error="the receiver did not answer in time")
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        kind = "TLS failed" if isinstance(error.__cause__ or error, ssl.SSLError) else "no connection"
        return Outcome(delivered=False, error=f"{kind}: {type(error).__name__}")


async def _skip(response: httpcore.Response) -> None:
    """Read the response up to a bound."""
    size = 0
    async for part in response.aiter_stream():
        size += len(part)
        if size > _MAX_RESPONSE:
            return


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
