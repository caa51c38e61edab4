"""The Broker's address: takes CloudEvents over HTTP and answers when the queues have them."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from knative.local.broker import messages
from knative.local.broker.queues import Queues, UnconfirmedError

log = logging.getLogger("knative.local.broker")


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process this is a guest of."""
        yield


class Ingress:
    """An HTTP server that publishes what is POSTed to `/`, with the answers of eventing-rabbitmq."""

    def __init__(self, queues: Queues, exchange: str, host: str, port: int) -> None:
        self._queues, self._exchange = queues, exchange
        self._socket = socket.create_server((host, port), backlog=1024)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([self._socket]))

    async def stop(self) -> None:
        """Let requests finish, then close."""
        self._server.should_exit = True
        await self._serving
        self._socket.close()

    async def _answer(
        self, scope: MutableMapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        status = await self._status(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async def _status(self, scope: MutableMapping[str, Any], receive: Callable[..., Any]) -> int:
        if scope["method"] != "POST":
            log.warning("refused with 405: %s, only POST is taken", scope["method"])
            return 405
        if scope["path"] != "/" or scope["query_string"]:
            log.warning("refused with 404: %s, only / without a query is taken", scope["path"])
            return 404
        body, more = bytearray(), True
        while more:
            part = await receive()
            if part["type"] == "http.disconnect":
                return 400
            body += part.get("body", b"")
            more = part.get("more_body", False)
        try:
            event = messages.from_http(messages.http_headers(scope["headers"]), bytes(body))
            messages.validate(event)
        except messages.NotAnEventError as error:
            log.warning("refused with 400: %s", error)
            return 400
        try:
            await self._queues.publish(self._exchange, messages.to_amqp(event))
        except UnconfirmedError as error:
            log.warning("refused with 500: %s, trace %s: %s", event, event.trace_id, error)
            return 500
        log.info("accepted %s, trace %s", event, event.trace_id)
        return 202
