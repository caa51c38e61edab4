"""Reading a CloudEvent from an HTTP request and replying with one, in the forms of the broker."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent, from_http
from starlette.requests import Request
from starlette.responses import Response

from shared.events.types import Event
from shared.http.problem import Problem
from shared.http.request_body import read_body
from shared.http.strict_json import decode_json
from shared.runtime import clock, log

_logger = logging.getLogger(__name__)
_REQUIRED = ("id", "source", "type", "specversion")
MAX_BYTES = 4 * 1024 * 1024
"""Four times the largest event of ingest."""


@dataclass(frozen=True, slots=True)
class Received:
    """An event as received: its attributes and extensions by name, and its data as unparsed bytes."""

    attributes: Mapping[str, str]
    data: bytes

    @property
    def type(self) -> str:
        """The event's type."""
        return self.attributes["type"]

    @property
    def id(self) -> str:
        """The event's id, unique with its source."""
        return self.attributes["id"]


async def receive(request: Request) -> Received:
    """Return the event that *request* carries, in binary or structured mode.

    A request that is no CloudEvent cannot have come through the broker: Problem 400. One that is too large can: Problem
    500, since RabbitMQ's dispatcher counts a 4xx as success.
    """
    try:
        body = await read_body(request, MAX_BYTES)
    except Problem as problem:
        if problem.status != 413:
            raise
        _logger.error("an event exceeds the limit of %d bytes", MAX_BYTES)
        raise Problem(500, "too-large", "Too large", f"An event has at most {MAX_BYTES} bytes.") from None
    try:
        if request.headers.get("content-type", "").lower().startswith("application/cloudevents"):
            decode_json(body, dict)
        event = from_http(dict(request.headers), body, data_unmarshaller=lambda data: data)
        attributes = {name: str(value) for name, value in event.get_attributes().items() if value is not None}
        data = event.get_data()
    except MemoryError:  # not the sender's fault: a 4xx would lose the event
        raise
    except Exception as error:  # the SDK raises any error of its parser
        raise _no_event("It could not be read as one in binary or structured mode.") from error
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing:
        raise _no_event(f"It lacks {', '.join(missing)}.")
    return Received(attributes, data if isinstance(data, bytes) else _as_bytes(data))


def reply(event: Event, *, source: str, event_id: str, extensions: Mapping[str, str] | None = None) -> Response:
    """Return the response that sends *event* to the broker (binary mode, 200), with the trace of the request.

    *event_id* must be the same when the same work is repeated, so that a repeated delivery is recognized.
    """
    attributes = {
        "id": event_id,
        "source": f"/stocksalot/{source}",
        "type": event.TYPE,
        "time": clock.now().isoformat(),
        "datacontenttype": "application/json",
        **(extensions or {}),
    }
    if traceparent := log.TRACEPARENT.get():
        attributes["traceparent"] = traceparent
    headers, body = to_binary(CloudEvent(attributes, event.to_json()), data_marshaller=lambda data: data)
    return Response(body, 200, headers)


def _as_bytes(data: object) -> bytes:
    if data is None:
        return b""
    return data.encode() if isinstance(data, str) else json.dumps(data).encode()


def _no_event(detail: str) -> Problem:
    return Problem(
        400,
        "not-a-cloudevent",
        "Not a CloudEvent",
        f"This function takes CloudEvents 1.0 over HTTP. {detail} "
        "Send the headers ce-id, ce-source, ce-type and ce-specversion: 1.0 with the data as body.",
    )
