"""Broker ingress: accepts CloudEvents over HTTP and answers once the queues have stored them."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from knative.local.broker import messages
from knative.local.broker.messages import NotAnEventError
from knative.local.broker.queues import BusyError, Queues, UnconfirmedError
from shared.runtime.protocol import BoundedProtocol

log = logging.getLogger("knative.local.broker")
_RETRY_AFTER = b"5"

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class IngressProtocol(BoundedProtocol):
    """HTTP with the limit of Go's server, in which the ingress of a cluster runs."""

    max_head_bytes = 2**20

    def on_headers_complete(self) -> None:
        """Pass the target on unchanged: ASGI does not distinguish /? from /."""
        self.scope["request_target"] = self.url  # pyright: ignore[reportGeneralTypeIssues]
        super().on_headers_complete()


class Ingress:
    """An ASGI application that publishes events POSTed to *path*, with the answers of eventing-rabbitmq.

    One differs: while RabbitMQ accepts nothing, eventing-rabbitmq waits, and this ingress answers 503 at once.
    """

    def __init__(self, queues: Queues, exchange: str, path: str = "/") -> None:
        self._queues, self._exchange, self._path = queues, exchange, path.encode()

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answer one request; the body of a 5xx is the cause."""
        status, cause = await self._publish(scope, receive)
        headers = [
            (b"content-length", b"%d" % len(cause)),
            *([(b"retry-after", _RETRY_AFTER)] if status == 503 else []),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": cause})

    async def _publish(self, scope: _Scope, receive: _Receive) -> tuple[int, bytes]:
        if scope["method"] != "POST":
            log.warning("refused with 405: %s, only POST is accepted", scope["method"])
            return 405, b""
        if scope["request_target"] != self._path:
            log.warning("refused with 404: only the root without a query is accepted")
            return 404, b""
        body, more = bytearray(), True
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return 400, b""
            body += part.get("body", b"")
            more = part.get("more_body", False)
        try:
            event = messages.from_http(messages.http_headers(scope["headers"]), bytes(body))
            messages.validate(event)
        except NotAnEventError as error:
            log.warning("refused with 400: %s", error)
            return 400, b""
        try:
            await self._queues.publish(self._exchange, messages.to_amqp(event))
        except UnconfirmedError as error:
            status = 503 if isinstance(error, BusyError) else 500
            log.warning("refused with %d: %s, trace %s: %s", status, event, event.trace_id, error)
            return status, str(error).encode()
        log.info("accepted %s, trace %s", event, event.trace_id)
        return 202, b""
