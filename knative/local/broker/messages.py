"""CloudEvents 1.0 and 0.3 on their way: over HTTP in binary or structured mode, inside RabbitMQ always binary.

Read as the Go SDK behind eventing-rabbitmq reads them: leniently, with `validate` for what a CloudEvent must have. The
Python SDK cannot take its place: it fills in a missing time and re-encodes JSON data.
"""

import base64
import json
import re
import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from shared.runtime import clock

Value = str | int | bool

_STRUCTURED = "application/cloudevents"
_NO_TIME = "0001-01-01T00:00:00Z"
_VERSIONS = ("1.0", "0.3")
_STRINGS = {"id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "schemaurl"}
_NAME = re.compile(r"[a-z0-9]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+\s*(;.*)?")
_JSON_TYPE = re.compile(r"(application|text)/([\w.+-]+\+)?json\s*(;|$)|$", re.IGNORECASE)
_TRACEPARENT = re.compile(r"[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}")


class NotAnEventError(ValueError):
    """Not a CloudEvent; the message is the reason."""


@dataclass(frozen=True)
class CloudEvent:
    """A CloudEvent: its attributes (extensions among them, in their own types), its data, and its trace."""

    attributes: Mapping[str, Value]
    data: bytes
    traceparent: str
    tracestate: str = ""

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hex digits."""
        return self.traceparent.split("-")[1]

    def __str__(self) -> str:
        return f"{self.attributes.get('type')} {self.attributes.get('id')}"

    def with_extensions(self, **extensions: Value) -> "CloudEvent":
        """Return this event with *extensions* set."""
        return replace(self, attributes={**self.attributes, **extensions})


@dataclass(frozen=True)
class AmqpMessage:
    """An event as RabbitMQ carries it."""

    headers: Mapping[str, Value]
    body: bytes
    content_type: str
    message_id: str


def http_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return *raw* headers by name in lower case; of several with one name, the first."""
    headers: dict[str, str] = {}
    for name, value in raw:
        headers.setdefault(name.decode("latin-1").lower(), value.decode(errors="surrogateescape"))
    return headers


def is_event(headers: Mapping[str, str]) -> bool:
    """Return whether HTTP *headers* (names in lower case) claim to carry a CloudEvent in either mode."""
    return headers.get("content-type", "").lower().startswith(_STRUCTURED) or "ce-specversion" in headers


def from_http(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Read the event in an HTTP request or response; header names in lower case. Raises NotAnEventError."""
    trace = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
    content_type = headers.get("content-type", "")
    if content_type.lower().startswith(_STRUCTURED):
        return _from_json(content_type, body, trace)
    attributes: dict[str, Value] = {
        name.removeprefix("ce-"): value for name, value in headers.items() if name.startswith("ce-")
    }
    if content_type:
        attributes["datacontenttype"] = content_type
    return _event(attributes, body, trace)


def to_http(event: CloudEvent) -> tuple[dict[bytes, bytes], bytes]:
    """Return the headers and body of *event* in binary mode. An event without a time gets this one, as in a cluster."""
    headers = {"ce-time": clock.now().isoformat().replace("+00:00", "Z"), "traceparent": event.traceparent}
    if event.tracestate:
        headers["tracestate"] = event.tracestate
    for name, value in event.attributes.items():
        headers["content-type" if name == "datacontenttype" else f"ce-{name}"] = _text(value)
    return {name.encode(): value.strip().encode() for name, value in headers.items()}, event.data


def to_amqp(event: CloudEvent) -> AmqpMessage:
    """Return *event* as the ingress publishes it: attributes as headers without prefix, for Triggers to match."""
    attributes = dict(event.attributes)
    content_type = str(attributes.pop("datacontenttype", ""))
    headers: dict[str, Value] = {
        "content-type": content_type,
        "traceparent": event.traceparent,
        "tracestate": event.tracestate,
        "time": _NO_TIME,
        **attributes,
    }
    return AmqpMessage(headers, event.data, content_type, str(event.attributes["id"]))


def from_amqp(message: AmqpMessage) -> CloudEvent:
    """Read the event in a RabbitMQ message; every value comes back as text. Raises NotAnEventError."""
    headers = {name.lower().removeprefix("ce-"): _text(value) for name, value in message.headers.items()}
    trace = {name: headers.pop(name) for name in ("traceparent", "tracestate") if name in headers}
    if message.content_type.lower().startswith(_STRUCTURED):
        return _from_json(message.content_type, message.body, trace)
    content_type = headers.pop("content-type", "")
    attributes: dict[str, Value] = {name: value for name, value in headers.items() if not name.startswith("x-")}
    attributes.setdefault("source", "/apis/v1/namespaces//rabbitmqsources/rabbitmq-dispatcher#")
    if attributes.get("time") == _NO_TIME:
        del attributes["time"]
    if content_type:
        attributes["datacontenttype"] = content_type
    return _event(attributes, message.body, trace)


def with_id(event: CloudEvent) -> CloudEvent:
    """Return *event* with a random id if it has none, as a dispatcher does with replies."""
    return event if event.attributes.get("id") else event.with_extensions(id=str(uuid.uuid4()))


def validate(event: CloudEvent) -> None:
    """Raise NotAnEventError unless *event* has the attributes that CloudEvents requires."""
    for name in ("id", "source", "type"):
        if not str(event.attributes.get(name, "")).strip():
            raise NotAnEventError(f"{name} is missing or empty")
    if "subject" in event.attributes and not str(event.attributes["subject"]).strip():
        raise NotAnEventError("subject is empty")
    if not _MEDIA_TYPE.fullmatch(str(event.attributes.get("datacontenttype", "a/b"))):
        raise NotAnEventError("datacontenttype is not a media type")
    if not urlsplit(str(event.attributes.get("dataschema", "a:b"))).scheme:
        raise NotAnEventError("dataschema is not an absolute URI")


def _event(attributes: dict[str, Value], data: bytes, trace: Mapping[str, str]) -> CloudEvent:
    if attributes.get("specversion") not in _VERSIONS:
        raise NotAnEventError(f"specversion is {attributes.get('specversion', 'missing')!r}, not 1.0 or 0.3")
    for name, value in attributes.items():
        if not _NAME.fullmatch(name):
            raise NotAnEventError(f"attribute name {name!r} is not of lower-case letters and digits")
        if isinstance(value, str) and _UNPRINTABLE.search(value):
            raise NotAnEventError(f"{name} has control characters")
    for name in _STRINGS & attributes.keys():
        if not isinstance(attributes[name], str):
            raise NotAnEventError(f"{name} is not text")
    for name in ("source", "dataschema", "schemaurl"):
        try:
            urlsplit(str(attributes.get(name, "")))
        except ValueError:
            raise NotAnEventError(f"{name} is not a URI") from None
    if "time" in attributes:
        attributes["time"] = _utc(str(attributes["time"]))
    # An extension named traceparent is the trace, and travels on as the HTTP header of that name alone.
    trace = {
        **trace,
        **{name: str(attributes.pop(name)) for name in ("traceparent", "tracestate") if name in attributes},
    }
    traceparent = trace.get("traceparent", "")
    if not _TRACEPARENT.fullmatch(traceparent):
        return CloudEvent(attributes, data, f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")
    return CloudEvent(attributes, data, traceparent, _UNPRINTABLE.sub("", trace.get("tracestate", "")))


def _from_json(content_type: str, body: bytes, trace: Mapping[str, str]) -> CloudEvent:
    if content_type.split(";")[0].strip().lower() != f"{_STRUCTURED}+json":
        raise NotAnEventError(f"{content_type} is not supported, only application/cloudevents+json")
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise NotAnEventError("a structured event is a JSON object")
        data = _data(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotAnEventError(f"bad structured event: {error}") from None
    attributes = {name.lower(): _value(name, value) for name, value in document.items() if value is not None}
    return _event(attributes, data, trace)


def _data(document: dict[str, Any]) -> bytes:
    encoded, data = document.pop("data_base64", None), document.pop("data", None)
    if document.get("specversion") == "0.3" and document.pop("datacontentencoding", None) == "base64":
        encoded = data
    if encoded is not None:
        return base64.b64decode(encoded, validate=True)
    if data is None:
        return b""
    if _JSON_TYPE.match(str(document.get("datacontenttype") or "")):
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    if not isinstance(data, str):
        raise NotAnEventError("data that is not JSON must be a string")
    return data.encode()


def _value(name: str, value: object) -> Value:
    """Extensions keep their type, so that a filter for the text "1" never matches the number 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (str, bool)) or (isinstance(value, int) and -(2**31) <= value < 2**31):
        return value
    raise NotAnEventError(f"{name} is neither text, nor a whole number of 32 bits, nor true or false")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _utc(text: str) -> str:
    parts = _TIME.fullmatch(text.upper())
    try:
        if not parts:
            raise ValueError
        instant = datetime.fromisoformat(parts[1] + parts[3]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotAnEventError(f"time {text!r} is not an RFC 3339 timestamp") from None
    return f"{instant.isoformat().removesuffix('+00:00')}{(parts[2] or '').rstrip('.0')}Z"
