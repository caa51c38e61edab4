"""The local Broker takes events in as eventing-rabbitmq does, and hands on all that they had."""

import json
from typing import Any

import pytest

from tests.broker.bench import EVENT, PARTS, STRUCTURED, TRACE, Bench, only_memory, only_rabbitmq, structured

pytestmark = pytest.mark.anyio


@only_memory
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 405),
        ("OPTIONS", "/", 405),
        ("PUT", "/", 405),
        ("GET", "/elsewhere", 405),
        ("POST", "/elsewhere", 404),
        ("POST", "/?a=b", 404),
        ("POST", "/?", 404),
        ("POST", "/%2F", 404),
        ("POST", "/", 202),
    ],
)
async def test_the_ingress_takes_only_post_to_its_root(bench: Bench, method: str, path: str, status: int) -> None:
    """Only POST to / publishes: other methods are 405, other paths or a query 404, always with an empty body."""
    broker = await bench.run()

    response = await bench.client.request(method, broker.ingress_url + path, headers=EVENT, content=b"{}")

    assert (response.status_code, response.content) == (status, b"")


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in EVENT.items() if key != name}


NO_EVENTS: dict[str, tuple[dict[str, str], bytes | str]] = {
    "plain JSON": ({"content-type": "application/json"}, b"{}"),
    "no id": (without("ce-id"), b"{}"),
    "no source": (without("ce-source"), b"{}"),
    "no type": (without("ce-type"), b"{}"),
    "no specversion": (without("ce-specversion"), b"{}"),
    "unknown specversion": ({**EVENT, "ce-specversion": "2.0"}, b"{}"),
    "0.3, no id": ({**without("ce-id"), "ce-specversion": "0.3"}, b"{}"),
    "0.3, bad base64": structured(specversion="0.3", datacontentencoding="base64", data="?"),
    "empty id": ({**EVENT, "ce-id": ""}, b"{}"),
    "empty subject": ({**EVENT, "ce-subject": ""}, b"{}"),
    "source is no URI": ({**EVENT, "ce-source": "http://[nowhere"}, b"{}"),
    "dataschema is relative": ({**EVENT, "ce-dataschema": "/schema"}, b"{}"),
    "bad content type": ({**EVENT, "content-type": "json"}, b"{}"),
    "bad time": ({**EVENT, "ce-time": "yesterday"}, b"{}"),
    "time without zone": ({**EVENT, "ce-time": "2026-11-22T10:00:00"}, b"{}"),
    "time before time": ({**EVENT, "ce-time": "0001-01-01T00:00:00+01:00"}, b"{}"),
    "bad extension name": ({**EVENT, "ce-hour-complete": "true"}, b"{}"),
    "batch": ({"content-type": "application/cloudevents-batch+json"}, json.dumps([PARTS])),
    "structured, no JSON": (STRUCTURED, b"{"),
    "structured, no UTF-8": (STRUCTURED, b'{"id": "\xff"}'),
    "structured, a list": (STRUCTURED, b"[]"),
    "structured, nested too deep": (STRUCTURED, b'{"data":' + b"[" * 100_000),
    "structured, no id": structured(id=None),
    "structured, blank type": structured(type=" "),
    "structured, id is a number": structured(id=1),
    "structured, NaN": structured(data=float("nan")),
    "structured, infinite": (STRUCTURED, b'{"data": 1e999, ' + json.dumps(PARTS).encode()[1:]),
    "structured, bad base64": structured(data_base64="?"),
    "structured, base64 of a number": structured(data_base64=1234),
    "structured, a number as text": structured(datacontenttype="text/plain", data=1),
    "structured, line break": structured(extra="a\r\nce-id: 2"),
    "structured, lone surrogate": structured(extra="\ud800"),
    "structured, object as extension": structured(extra={}),
    "structured, fraction as extension": structured(extra=1.5),
    "structured, too large a number": structured(extra=2**31),
}


@only_memory
@pytest.mark.parametrize("name", NO_EVENTS)
async def test_what_is_no_cloudevent_is_refused(bench: Bench, name: str) -> None:
    """A request that is no valid CloudEvent is answered 400."""
    await bench.run()

    assert await bench.send(*NO_EVENTS[name]) == 400


async def test_an_event_that_nobody_wants_is_accepted(bench: Bench) -> None:
    """An event that no Trigger matches is answered 202 and dropped."""
    await bench.run()

    assert await bench.post(type="unheard", id="dropped") == 202
    assert await bench.post(id="wanted") == 202
    assert await bench.subscriber.ids() == ["wanted"]


@only_rabbitmq
async def test_what_rabbitmq_cannot_carry_is_500_and_harms_no_other(bench: Bench) -> None:
    """An id beyond 255 bytes or attributes beyond a frame are not published, and the next event is."""
    await bench.run()

    assert await bench.post(id="i" * 256) == 500
    assert await bench.send(*structured(extra="x" * 200_000)) == 500
    assert await bench.post(id="i" * 255) == 202
    assert await bench.subscriber.ids() == ["i" * 255]


async def test_an_event_arrives_in_binary_mode_with_all_that_it_had(bench: Bench) -> None:
    """Attributes, any extension, data and trace arrive as sent; the time in UTC; the trace as HTTP header only."""
    await bench.run(bench.trigger(to=bench.subscriber.url + "events"))
    sent = {
        **EVENT,
        "ce-subject": "a subject",
        "ce-dataschema": "https://example.org/schema",
        "ce-time": "2026-11-22t11:00:00.120+01:00",
        "ce-hourcomplete": "true",
        "traceparent": TRACE,
        "tracestate": "a=b",
    }

    await bench.send(sent, "{'price': 'é'}".encode())
    [request] = await bench.subscriber.received()

    expected = {**sent, "ce-time": "2026-11-22T10:00:00.12Z"}
    assert request.path == "/events"
    assert {name: request.headers.get(name) for name in expected} == expected
    assert not {"ce-traceparent", "ce-datacontenttype", "prefer"} & request.headers.keys()
    assert request.body == "{'price': 'é'}".encode()


@pytest.mark.parametrize(
    ("parts", "content_type", "body"),
    [
        ({"datacontenttype": "application/json", "data": {"p": "1.10"}}, "application/json", b'{"p":"1.10"}'),
        ({"data": [1.5]}, None, b"[1.5]"),
        ({"datacontenttype": "text/plain", "data": "naïve"}, "text/plain", "naïve".encode()),
        ({"datacontenttype": "image/png", "data_base64": "AP8="}, "image/png", b"\x00\xff"),
        ({}, None, b""),
    ],
)
async def test_a_structured_event_arrives_in_binary_mode(
    bench: Bench, parts: dict[str, Any], content_type: str | None, body: bytes
) -> None:
    """JSON stays JSON, text is text, base64 its bytes; extensions become text; what has no time gets one."""
    await bench.run()

    assert await bench.send(*structured(**parts, subject=None, number=7, flag=True)) == 202
    [request] = await bench.subscriber.received()

    assert (request.headers.get("content-type"), request.body) == (content_type, body)
    assert (request.headers["ce-number"], request.headers["ce-flag"]) == ("7", "true")
    assert "ce-subject" not in request.headers
    assert request.headers["ce-time"] > "2026"


async def test_an_event_of_version_0_3_is_delivered(bench: Bench) -> None:
    """CloudEvents 0.3 is accepted in both modes, with its own attributes, and stays of its version."""
    await bench.run()

    assert await bench.send({**EVENT, "ce-specversion": "0.3", "ce-schemaurl": "schema"}, b"{}") == 202
    encoded = {"datacontentencoding": "base64", "datacontenttype": "image/png", "data": "AP8="}
    assert await bench.send(*structured(specversion="0.3", id="encoded", **encoded)) == 202
    binary, decoded = sorted(await bench.subscriber.received(2), key=lambda one: one.headers["ce-id"] == "encoded")

    assert (binary.headers["ce-specversion"], binary.headers["ce-schemaurl"]) == ("0.3", "schema")
    assert (decoded.headers["ce-specversion"], decoded.body) == ("0.3", b"\x00\xff")
    assert "ce-datacontentencoding" not in decoded.headers


async def test_a_filter_matches_terms_and_their_types(bench: Bench) -> None:
    """All attributes must be equal, and true or nothing is not "true"."""
    await bench.run(bench.trigger(filter_attributes={"type": "asked", "flag": "true"}))

    for flag in [True, 1, "false", None]:
        await bench.send(*structured(flag=flag, id="other"))
    await bench.post(type="unheard", flag="true", id="other")
    await bench.post(flag="true", id="right")

    assert await bench.subscriber.ids() == ["right"]


async def test_a_trigger_without_filter_gets_everything(bench: Bench) -> None:
    """No attributes match all events."""
    await bench.run(bench.trigger(filter_attributes={}))

    await bench.post(type="any")

    assert await bench.subscriber.received()


async def test_every_event_has_a_trace(bench: Bench) -> None:
    """A traceparent is made where there is none or nonsense; one in the event's extension is used."""
    await bench.run()

    await bench.post()
    await bench.send({**EVENT, "traceparent": "nonsense"})
    await bench.post(traceparent=TRACE)
    made, mended, kept = [request.headers["traceparent"] for request in await bench.subscriber.received(3)]

    assert len(made) == len(mended) == 55
    assert made != mended
    assert kept == TRACE
