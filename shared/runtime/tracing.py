"""Spans of requests and events, sent to an OpenTelemetry receiver; loaded only if one is configured.

One span a request: it continues the received traceparent and passes its own on, so that a tick, the event of ingest
and the work of store and insights belong to one trace. Written by hand, because the OpenTelemetry SDK adds 50 ms to
every cold start merely by being installed: the client of Redis loads it when it finds it.
"""

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

_logger = logging.getLogger(__name__)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_EXPORT_AFTER_SECONDS = 1.0
_TIMEOUT_SECONDS = 5.0
_MAX_SPANS = 2000
"""Maximum number of spans waiting for export; beyond it the oldest are dropped."""
_SERVER, _CONSUMER, _ERROR = 2, 5, 2

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class TracingMiddleware:
    """ASGI middleware that records a span for each response of *app*.

    *endpoint* is the receiver's URL (http://collector:4318), *headers* are added to each export, in the form of the
    OpenTelemetry specification: `Authorization=Bearer%20...,X-Scope=a`.
    """

    def __init__(self, app: App, endpoint: str, headers: str, service: str) -> None:
        self._app = app
        self._address = f"{endpoint.rstrip('/')}/v1/traces"
        pairs = (part.split("=", 1) for part in headers.split(",") if "=" in part)
        self._headers = {name.strip(): unquote(value.strip()) for name, value in pairs}
        self._service = service
        self._spans: list[dict[str, Any]] = []
        self._exporting: asyncio.Task[None] | None = None
        self._cold = True

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Respond with the application and record a span."""
        if scope["type"] == "lifespan":
            return await self._handle_lifespan(receive, send)
        if scope["path"] == "/healthz":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        parent = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
        if parent and not int(parent[3], 16) & 1:  # the caller's sampling decision
            return await self._app(scope, receive, send)
        trace, span = parent[1] if parent else secrets.token_hex(16), secrets.token_hex(8)
        others = [(name, value) for name, value in scope["headers"] if name.lower() != b"traceparent"]
        traced_scope = {**scope, "headers": [*others, (b"traceparent", f"00-{trace}-{span}-01".encode())]}
        status = 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started_at = time.time_ns()
        try:
            await self._app(traced_scope, receive, send_noting_status)
        finally:
            record = self._span(scope, headers, status)
            times = {"startTimeUnixNano": str(started_at), "endTimeUnixNano": str(time.time_ns())}
            ids = {"traceId": trace, "spanId": span, "parentSpanId": parent[2] if parent else ""}
            self._record({**ids, **times, **record})

    def _span(self, scope: Message, headers: dict[str, str], status: int) -> dict[str, Any]:
        """Return the span's name, kind, attributes and status, by OpenTelemetry's semantic conventions."""
        event = headers.get("ce-type")
        attributes: dict[str, str | int | bool] = {
            "http.request.method": scope["method"],
            "url.path": scope["path"],
            "http.response.status_code": status,
            "faas.coldstart": self._cold,
        }
        if event:
            attributes |= {"cloudevents.event_type": event, "cloudevents.event_id": headers.get("ce-id", "")}
        self._cold = False
        route = "/" + scope["path"].split("/")[1]
        return {
            "name": event or f"{scope['method']} {route}",
            "kind": _CONSUMER if event else _SERVER,
            "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()],
            "status": {"code": _ERROR} if status >= 500 else {},
        }

    def _record(self, span: dict[str, Any]) -> None:
        self._spans.append(span)
        del self._spans[:-_MAX_SPANS]
        if self._exporting is None or self._exporting.done():
            self._exporting = asyncio.create_task(self._export_soon())

    async def _export_soon(self) -> None:
        await asyncio.sleep(_EXPORT_AFTER_SECONDS)
        await self._export()

    async def _export(self) -> None:
        """Export the recorded spans; refused ones are dropped, as telemetry is optional."""
        spans, self._spans = self._spans, []
        if spans:
            try:
                await asyncio.to_thread(self._post, spans)
            except OSError as error:
                _logger.warning("%d spans were not exported: %s", len(spans), error)

    def _post(self, spans: list[dict[str, Any]]) -> None:
        from urllib.request import Request, urlopen  # loaded late: a first response does not need it

        resource = {"attributes": [{"key": "service.name", "value": _value(self._service)}]}
        scoped = [{"scope": {"name": "stocksalot"}, "spans": spans}]
        body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]}).encode()
        headers = {"Content-Type": "application/json", **self._headers}
        with urlopen(Request(self._address, body, headers), timeout=_TIMEOUT_SECONDS):  # noqa: S310  the operator's own
            pass

    async def _handle_lifespan(self, receive: Receive, send: Send) -> None:
        """Export the recorded spans before the process ends."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._export()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _value(value: str | int | bool) -> dict[str, object]:
    """Return *value* in the JSON of OTLP, where a number of 64 bits is text."""
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
