"""Claims about the local Broker: it does what eventing-rabbitmq does, over RabbitMQ and in memory alike."""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pika
import pytest
from pika.exchange_type import ExchangeType

from knative.local.broker import Broker, BrokerError, Counts, TriggerSpec, rabbit
from knative.local.broker.memory import MemoryQueues
from knative.local.broker.messages import Message
from knative.local.broker.queues import UnconfirmedError
from knative.local.broker.topology import plan
from knative.local.services import PACKAGES
from knative.local.services.rabbitmq import RabbitMQ
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio
only_rabbitmq = pytest.mark.parametrize("backend", ["rabbitmq"], indirect=True)
only_memory = pytest.mark.parametrize("backend", ["memory"], indirect=True)

PARTS = {"specversion": "1.0", "id": "1", "source": "/tests", "type": "asked"}
EVENT = {**{f"ce-{name}": value for name, value in PARTS.items()}, "content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
REPLY = {**EVENT, "ce-id": "2", "ce-type": "answered", "ce-hourcomplete": "true"}
COMPLETE = {"type": "answered", "hourcomplete": "true"}
DEADLINE = 60  # seconds, for the worst of machines
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True)
class Request:
    """What a subscriber got."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["ce-id"]


@dataclass(frozen=True)
class Answer:
    """What a subscriber answers; status 0 cuts the connection."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Subscriber:
    """A real HTTP server that remembers every request and behaves as told."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.release = asyncio.Event()
        self.answers(204)

    def answers(self, *answers: Answer | int) -> None:
        """Give *answers* one after the other, the last for ever."""
        left = [answer if isinstance(answer, Answer) else Answer(answer) for answer in answers]

        async def behave(_: Request) -> Answer:
            return left.pop(0) if len(left) > 1 else left[0]

        self.behave: Callable[[Request], Awaitable[Answer]] = behave

    async def hold(self, _: Request) -> Answer:
        """As `behave`: answer nothing until released."""
        await self.release.wait()
        return Answer(204)

    async def received(self, count: int = 1) -> list[Request]:
        async def enough() -> bool:
            return len(self.requests) >= count

        await wait_until_async(enough, DEADLINE)
        return self.requests

    async def ids(self, count: int = 1) -> list[str]:
        return [request.id for request in await self.received(count)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(first.split()[1], headers, body, time.monotonic())
                self.requests.append(request)
                answer = await self.behave(request)
                if not answer.status:
                    break
                fields = {"content-length": str(len(answer.body)), **answer.headers}
                head = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in fields.items())]
                writer.write("\r\n".join([*head, "", ""]).encode() + answer.body)
        writer.close()


class Proxy:
    """Stands between a Broker and RabbitMQ, and can cut, refuse or stall their connections."""

    def __init__(self, url: str) -> None:
        self._target = pika.URLParameters(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.refuses = False
        self.flowing = asyncio.Event()
        self.flowing.set()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        behind, ahead = await asyncio.open_connection(self._target.host, self._target.port)
        self._writers |= {writer, ahead}
        await asyncio.gather(self._pipe(reader, ahead), self._pipe(behind, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                await self.flowing.wait()
                writer.write(data)
        writer.close()


@asynccontextmanager
async def listening(server: Subscriber | Proxy, address: str) -> AsyncIterator[None]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"{address}127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    yield
    listener.close()


@dataclass
class Bench:
    """A Broker under test between real HTTP servers."""

    url: str | None
    namespace: str
    client: httpx.AsyncClient
    subscriber: Subscriber = field(default_factory=Subscriber)
    sink: Subscriber = field(default_factory=Subscriber)
    brokers: list[Broker] = field(default_factory=list)

    def trigger(self, name: str = "main", to: str | None = None, **changes: Any) -> TriggerSpec:
        """A Trigger for events "asked", with two retries after 10 and 20 ms."""
        return trigger(name, to or self.subscriber.url, self.sink.url, **changes)

    async def run(self, *triggers: TriggerSpec, url: str | None = None, **options: Any) -> Broker:
        broker = Broker(url or self.url, self.namespace, "stocks", triggers or [self.trigger()], **options)
        self.brokers.append(broker)
        await broker.start()
        return broker

    async def send(self, headers: dict[str, str], body: bytes | str = b"{}") -> int:
        response = await self.client.post(self.brokers[-1].ingress_url, headers=headers, content=body)
        assert response.content == b""
        return response.status_code

    async def post(self, **attributes: str) -> int:
        return await self.send({**EVENT, **{f"ce-{name}": value for name, value in attributes.items()}})

    async def done(self, count: int = 1, name: str = "main") -> Counts:
        """Wait until *count* events came to an end in the queue of Trigger *name*."""

        async def finished() -> Counts | None:
            status = (await self.brokers[-1].status())[name]
            counts = status.counts
            ended = counts.delivered + counts.dead_lettered + counts.lost
            return counts if ended >= count and not status.ready else None

        counts = await wait_until_async(finished, DEADLINE)
        assert counts
        return counts


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["rabbitmq", "memory"])
def backend(request: pytest.FixtureRequest) -> str | None:
    """The address of RabbitMQ; None for queues in memory."""
    return request.getfixturevalue("amqp_url") if request.param == "rabbitmq" else None


@pytest.fixture
async def bench(backend: str | None) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False))
        bench = Bench(backend, f"test-{secrets.token_hex(4)}", client)
        await stack.enter_async_context(listening(bench.subscriber, "http://"))
        await stack.enter_async_context(listening(bench.sink, "http://"))
        yield bench
        await asyncio.gather(*(broker.stop(grace=0) for broker in bench.brokers))
    if backend:
        clear(backend, bench.namespace)


@pytest.fixture
def own_rabbitmq(tmp_path: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ that the test may stop."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    server = RabbitMQ(tmp_path / "rabbitmq", environment, fast=True, packages=PACKAGES)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def proxy(amqp_url: str, bench: Bench) -> AsyncIterator[Proxy]:
    proxy = Proxy(amqp_url)
    async with listening(proxy, amqp_url.rpartition("@")[0] + "@"):
        yield proxy
        proxy.flowing.set()
        await asyncio.gather(*(broker.stop(grace=0) for broker in bench.brokers))


def trigger(name: str, to: str, sink: str | None, of_type: str = "asked", **changes: Any) -> TriggerSpec:
    spec = TriggerSpec(
        name=name,
        filter_attributes={"type": of_type},
        subscriber_url=to,
        subscriber_name=f"http://{name}.cluster.local",
        dead_letter_url=sink,
        dead_letter_name="http://sink.cluster.local",
        retry=2,
        backoff_policy="exponential",
        backoff_delay=0.005,
        timeout=60,
    )
    return replace(spec, **changes)


@contextlib.contextmanager
def connected(url: str) -> Iterator[Any]:
    with contextlib.closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        yield connection.channel()


def clear(url: str, namespace: str) -> None:
    topology = plan(namespace, "stocks", [trigger(name, "http://x", "http://x") for name in ("main", "other")])
    with connected(url) as channel:
        for exchange in topology.exchanges:
            channel.exchange_delete(exchange)
        for binding in topology.bindings:
            channel.queue_delete(binding.queue)


async def gone(caplog: pytest.LogCaptureFixture) -> bool:
    """Tell whether both connections to RabbitMQ were reported lost."""
    return caplog.text.count("RabbitMQ is gone") == 2


# --- The ingress ---


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


def structured(**changes: Any) -> tuple[dict[str, str], bytes | str]:
    return STRUCTURED, json.dumps({**PARTS, **changes})


NO_EVENTS: dict[str, tuple[dict[str, str], bytes | str]] = {
    "plain JSON": ({"content-type": "application/json"}, b"{}"),
    "no id": (without("ce-id"), b"{}"),
    "no source": (without("ce-source"), b"{}"),
    "no type": (without("ce-type"), b"{}"),
    "no specversion": (without("ce-specversion"), b"{}"),
    "unknown specversion": ({**EVENT, "ce-specversion": "2.0"}, b"{}"),
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
    """A request that is no valid CloudEvent 1.0 is answered 400."""
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


# --- What travels ---


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


# --- Outcomes ---

REFUSALS = [301, 304, 400, 401, 403, 410, 422]
FAILURES = [404, 408, 409, 429, 500, 502, 503, 504]
both_modes = pytest.mark.parametrize("mode", ["faithful", "spec"])


@both_modes
@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_2xx_is_done(bench: Bench, status: int, mode: str) -> None:
    """A 2xx ends an event at the first attempt."""
    bench.subscriber.answers(status)
    await bench.run(mode=mode)

    await bench.post()

    assert await bench.done() == Counts(delivered=1, last_code=status)
    assert (len(bench.subscriber.requests), bench.sink.requests) == (1, [])


@both_modes
@pytest.mark.parametrize("status", FAILURES)
async def test_a_failure_is_retried_then_dead_lettered(bench: Bench, status: int, mode: str) -> None:
    """After retry + 1 attempts the event is a dead letter, unchanged but for the attributes that tell of the error."""
    bench.subscriber.answers(status)
    await bench.run(mode=mode)

    sent = {**EVENT, "ce-job": "bars", "traceparent": TRACE}
    await bench.send(sent, b"[1]")
    [letter] = await bench.sink.received()

    expected = sent | {"ce-knativeerrordest": "http://main.cluster.local", "ce-knativeerrorcode": str(status)}
    assert {name: letter.headers.get(name) for name in expected} == expected
    assert "ce-knativeerrordata" not in letter.headers
    assert letter.body == b"[1]"
    assert await bench.done() == Counts(retried=2, dead_lettered=1, last_code=status)
    assert len(bench.subscriber.requests) == 3


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_refusal_is_taken_for_success(bench: Bench, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Faithful mode: no retry, no dead letter, the event is gone, and the log says so."""
    bench.subscriber.answers(status)
    await bench.run()

    await bench.post()

    assert await bench.done() == Counts(lost=1, last_code=status)
    assert (len(bench.subscriber.requests), bench.sink.requests) == (1, [])
    assert [record.levelname for record in caplog.records if "LOST asked 1" in record.getMessage()] == ["WARNING"]


@pytest.mark.parametrize("status", REFUSALS)
async def test_spec_mode_dead_letters_a_refusal(bench: Bench, status: int) -> None:
    """Spec mode: what is refused for good becomes a dead letter at once."""
    bench.subscriber.answers(status)
    await bench.run(mode="spec")

    await bench.post()
    [letter] = await bench.sink.received()

    assert letter.headers["ce-knativeerrorcode"] == str(status)
    assert await bench.done() == Counts(dead_lettered=1, last_code=status)
    assert len(bench.subscriber.requests) == 1


@pytest.mark.parametrize(("trouble", "attempts"), [("refused", 0), ("cut", 3), ("silent", 3)])
async def test_no_answer_is_a_failure_of_code_minus_one(bench: Bench, trouble: str, attempts: int, port: int) -> None:
    """A connection that is refused or cut, and an answer beyond the timeout, are retried and reported as -1."""
    bench.subscriber.answers(Answer(0))
    if trouble == "silent":
        bench.subscriber.behave = bench.subscriber.hold
    url = f"http://127.0.0.1:{port}/" if trouble == "refused" else bench.subscriber.url
    await bench.run(bench.trigger(to=url, timeout=0.3))

    await bench.post()
    [letter] = await bench.sink.received()

    assert letter.headers["ce-knativeerrorcode"] == "-1"
    assert await bench.done() == Counts(retried=2, dead_lettered=1, last_code=-1)
    assert len(bench.subscriber.requests) == attempts


@only_memory
async def test_without_a_timeout_a_slow_answer_is_waited_for(bench: Bench) -> None:
    """A function that is scaling from zero may hold the request beyond the HTTP client's default of 5 s."""
    bench.subscriber.behave = bench.subscriber.hold
    await bench.run(bench.trigger(timeout=None))

    await bench.post()
    await asyncio.sleep(5.2)
    bench.subscriber.release.set()

    assert await bench.done() == Counts(delivered=1, last_code=204)


@pytest.mark.parametrize(("policy", "waits"), [("exponential", [1, 2, 4]), ("linear", [0.5, 1, 1.5])])
def test_retries_wait_as_the_sdk_does(policy: str, waits: list[float]) -> None:
    """The n-th wait is delay * 2^n or delay * n, from n = 1."""
    destination = trigger("main", "http://x", "http://x", backoff_policy=policy, backoff_delay=0.5).subscriber

    assert [destination.backoff(attempt) for attempt in (1, 2, 3)] == waits


@only_memory
async def test_a_retry_comes_after_its_wait_and_whatever_retry_after_says(bench: Bench) -> None:
    """The delays are kept; Retry-After is ignored."""
    bench.subscriber.answers(Answer(429, {"retry-after": "30"}), 503, 204)
    await bench.run(bench.trigger(backoff_delay=0.05))

    await bench.post()
    first, second, third = await bench.subscriber.received(3)

    assert 0.1 <= second.at - first.at < 10
    assert 0.2 <= third.at - second.at < 10
    assert await bench.done() == Counts(delivered=1, retried=2, last_code=204)


@only_rabbitmq
async def test_a_message_that_is_no_event_is_dropped(bench: Bench, backend: str) -> None:
    """What something else put into the exchange and is no CloudEvent is acknowledged, and blocks nothing."""
    broker = await bench.run()

    with connected(backend) as channel:
        exchange = plan(bench.namespace, "stocks", []).ingress
        channel.basic_publish(exchange, "", b"?", pika.BasicProperties(headers={"type": "asked"}))
    await bench.post()

    assert await bench.done(2) == Counts(delivered=1, lost=1, last_code=204)
    assert await bench.subscriber.ids() == ["1"]
    assert bench.sink.requests == []
    await broker.stop()
    await broker.start()
    await bench.post(id="2")
    assert await bench.done() == Counts(delivered=1, last_code=204), "it came again"


@only_rabbitmq
async def test_a_foreign_message_is_read_as_the_dispatcher_reads_it(bench: Bench, backend: str) -> None:
    """Prefixed names, RabbitMQ's own headers and values of other types are understood; a structured body too."""
    await bench.run()
    headers = {"type": "asked", "ce-ID": "binary", "specversion": "1.0", "source": "/s", "x-death": 1, "flag": True}

    with connected(backend) as channel:
        exchange = plan(bench.namespace, "stocks", []).ingress
        channel.basic_publish(exchange, "", b"a", pika.BasicProperties(headers=headers))
        properties = pika.BasicProperties(headers={"type": "asked"}, content_type="application/cloudevents+json")
        channel.basic_publish(exchange, "", json.dumps({**PARTS, "id": "structured"}).encode(), properties)

    assert await bench.subscriber.ids(2) == ["binary", "structured"]
    assert bench.subscriber.requests[0].headers["ce-flag"] == "true"
    assert "ce-x-death" not in bench.subscriber.requests[0].headers


# --- Replies ---


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_a_reply_is_published_and_filtered_by_its_extension(bench: Bench, status: int, mode: str) -> None:
    """A reply in either mode and with any 2xx goes through the Broker, with the trace of what it answers."""
    document = json.dumps({**PARTS, **COMPLETE, "id": "2", "data": [1]}).encode()
    bench.subscriber.answers(
        Answer(status, REPLY, b"[1]") if mode == "binary" else Answer(status, STRUCTURED, document)
    )
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, filter_attributes=COMPLETE))

    await bench.send({**EVENT, "traceparent": TRACE})
    [answered] = await bench.sink.received()

    assert (answered.id, answered.headers["ce-hourcomplete"], answered.body) == ("2", "true", b"[1]")
    assert answered.headers["traceparent"] == TRACE
    assert await bench.done() == Counts(delivered=1, last_code=status)


async def test_a_reply_with_another_extension_passes_by(bench: Bench) -> None:
    """A reply that differs in one filtered extension is not delivered."""
    bench.subscriber.answers(Answer(200, {**REPLY, "ce-hourcomplete": "false"}))
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, filter_attributes=COMPLETE))

    await bench.post()
    await bench.done()
    await bench.post(**COMPLETE, id="right")

    assert await bench.sink.ids() == ["right"]


@only_rabbitmq
async def test_an_event_waits_until_its_reply_is_accepted(bench: Bench) -> None:
    """A reply that the Broker cannot publish is retried; then the original is dead-lettered with the error's text."""
    bench.subscriber.answers(Answer(200, {**REPLY, "ce-id": "i" * 256}))
    await bench.run()

    await bench.post()
    [letter] = await bench.sink.received()

    assert (letter.id, letter.headers["ce-knativeerrorcode"]) == ("1", "200")
    assert letter.headers["ce-knativeerrordata"] == "500 after 3 attempts"
    assert (await bench.done()).retried == 2


async def test_a_reply_without_type_dead_letters_what_it_answers(bench: Bench) -> None:
    """A reply that lacks a required attribute is never sent, and the original is a dead letter that says why."""
    bench.subscriber.answers(Answer(200, {key: value for key, value in REPLY.items() if key != "ce-type"}))
    await bench.run()

    await bench.post()
    [letter] = await bench.sink.received()

    assert letter.headers["ce-knativeerrordata"] == "not sent: type is missing or empty"
    assert len(bench.subscriber.requests) == 1


async def test_a_reply_without_id_gets_one(bench: Bench) -> None:
    """The dispatcher gives a reply without an id a random one."""
    bench.subscriber.answers(Answer(200, {key: value for key, value in REPLY.items() if key != "ce-id"}))
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, of_type="answered"))

    await bench.post()

    assert [len(name) for name in await bench.sink.ids()] == [36]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"content-type": "application/json"}, b'{"type": "answered"}'),
        Answer(200, {"content-type": "text/html"}, b"<p>"),
        Answer(200, STRUCTURED, b"{"),
        Answer(200, {**REPLY, "ce-specversion": "2.0"}),
        Answer(200, {**REPLY, "ce-time": "late"}),
    ],
)
async def test_a_body_that_is_no_event_is_ignored(bench: Bench, answer: Answer) -> None:
    """An answer that is no CloudEvent, or a malformed one, publishes nothing and leaves the event delivered."""
    bench.subscriber.answers(answer)
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, of_type="answered"))

    await bench.post()

    assert await bench.done() == Counts(delivered=1, last_code=200)
    assert (len(bench.subscriber.requests), bench.sink.requests) == (1, [])


@pytest.mark.parametrize(
    ("status", "mode", "arrives"),
    [(422, "faithful", "answered"), (422, "spec", "asked"), (500, "faithful", "asked"), (500, "spec", "asked")],
)
async def test_only_a_success_carries_a_reply(bench: Bench, status: int, mode: str, arrives: str) -> None:
    """What the dispatcher takes for a success, a 422 too, it takes replies from, but not from a failure."""
    bench.subscriber.answers(Answer(status, REPLY))
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, of_type="answered"), mode=mode)

    await bench.post()
    [request] = await bench.sink.received()
    await bench.done()

    assert request.headers["ce-type"] == arrives
    assert len(bench.sink.requests) == 1


async def test_a_reply_that_comes_back_is_warned_of(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A reply that the Trigger's own filter matches is a loop: it is published all the same, and the log says so."""
    bench.subscriber.answers(Answer(200, {**REPLY, "ce-type": "asked"}), 204)
    await bench.run()

    await bench.post()
    await bench.subscriber.received(2)

    assert [record.levelname for record in caplog.records if "LOOP" in record.getMessage()] == ["WARNING"]


# --- Dead letters ---


async def test_a_dead_letter_is_retried_like_an_event(bench: Bench) -> None:
    """The sink is given as many attempts as the subscriber."""
    bench.subscriber.answers(500)
    bench.sink.answers(500, 503, 204)
    await bench.run()

    await bench.post()

    assert await bench.done(name="main (dead letters)") == Counts(delivered=1, retried=2, last_code=204)
    assert len(bench.sink.requests) == 3


@both_modes
@pytest.mark.parametrize("status", [422, 500])
async def test_a_dead_letter_whose_sink_fails_is_lost_loudly(
    bench: Bench, mode: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody comes after the dead-letter sink: whatever it answers, the queue is empty afterwards."""
    bench.subscriber.answers(500)
    bench.sink.answers(status)
    await bench.run(mode=mode)

    await bench.post()

    assert (await bench.done(name="main (dead letters)")).lost == 1
    assert "main (dead letters): LOST asked 1" in caplog.text


@pytest.mark.parametrize(("mode", "arrive"), [("faithful", ["1", "2"]), ("spec", ["1", "1", "2"])])
async def test_a_dead_letter_that_cannot_be_published(
    bench: Bench, mode: str, arrive: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real dispatcher acknowledges before it publishes: a failure between loses the event; spec mode keeps it."""
    bench.subscriber.answers(500)
    broker = await bench.run(bench.trigger(retry=0), mode=mode)

    publish = broker._queues.publish

    async def fail(exchange: str, message: Message) -> None:
        if ".dlx." in exchange:
            raise UnconfirmedError("broken on purpose")
        await publish(exchange, message)

    with monkeypatch.context() as patch:
        patch.setattr(broker._queues, "publish", fail)
        await bench.post()
        await bench.subscriber.received()
        await broker.stop()
    bench.subscriber.answers(204)
    await broker.start()
    await bench.post(id="2")

    assert await bench.subscriber.ids(len(arrive)) == arrive
    assert bench.sink.requests == []


@both_modes
@pytest.mark.parametrize(("status", "at_sink"), [(204, 204), (422, 204), (500, 204), (500, 422), (500, 500)])
async def test_what_was_dealt_with_does_not_come_again(bench: Bench, status: int, at_sink: int, mode: str) -> None:
    """Whatever became of an event, its queue has forgotten it at the next start, and so has that of dead letters."""
    bench.subscriber.answers(status)
    bench.sink.answers(at_sink)
    broker = await bench.run(bench.trigger(retry=0), mode=mode)

    async def post_and_wait(number: str) -> None:
        await bench.post(id=number)
        if (await bench.done()).dead_lettered:
            await bench.done(name="main (dead letters)")

    await post_and_wait("1")
    await broker.stop()
    await broker.start()
    await post_and_wait("2")

    assert await bench.subscriber.ids() == ["1", "2"]
    assert [request.id for request in bench.sink.requests] in ([], ["1", "2"])


# --- Declarations that are refused or warned of ---


async def test_a_trigger_without_dead_letter_sink_is_refused() -> None:
    """Without a deadLetterSink a cluster loses what cannot be delivered: that is never wanted."""
    with pytest.raises(BrokerError, match="Trigger main has no deadLetterSink"):
        Broker(None, "ns", "stocks", [trigger("main", "http://x", None)])


@pytest.mark.parametrize("parallelism", [0, 1001])
async def test_parallelism_has_limits(parallelism: int) -> None:
    """A parallelism that a cluster refuses is refused."""
    with pytest.raises(BrokerError, match="parallelism"):
        Broker(None, "ns", "stocks", [trigger("main", "http://x", "http://x", parallelism=parallelism)])


async def test_two_triggers_of_one_name_are_refused() -> None:
    """They would share one queue."""
    with pytest.raises(BrokerError, match="same name"):
        Broker(None, "ns", "stocks", [trigger("main", "http://x", "http://x")] * 2)


@pytest.mark.parametrize(
    ("attributes", "warning"),
    [({"datacontenttype": "application/json"}, "never matches"), ({"job": ""}, "asks for an empty job")],
)
async def test_a_filter_that_surprises_is_warned_of(
    attributes: dict[str, str], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RabbitMQ reads these filters otherwise than core Knative does."""
    Broker(None, "ns", "stocks", [trigger("main", "http://x", "http://x", filter_attributes=attributes)])

    assert warning in caplog.text


# --- Order, parallelism, stop and start ---


async def test_parallelism_one_keeps_the_order(bench: Bench) -> None:
    """A retried event holds up those behind it, and nothing overtakes."""
    bench.subscriber.answers(500, 500, 204)
    await bench.run()

    for number in range(30):
        await bench.post(id=str(number))

    assert await bench.subscriber.ids(32) == ["0", "0", *map(str, range(30))]


async def test_parallelism_is_the_number_of_requests_at_once(bench: Bench) -> None:
    """Four workers have four requests open, not three and not five."""
    bench.subscriber.behave = bench.subscriber.hold
    await bench.run(bench.trigger(parallelism=4))

    for number in range(10):
        await bench.post(id=str(number))
    await bench.subscriber.received(4)
    await asyncio.sleep(0.1)
    at_once = len(bench.subscriber.requests)
    bench.subscriber.release.set()

    assert at_once == 4
    assert (await bench.done(10)).delivered == 10


async def test_nothing_is_lost_over_a_stop_and_start(bench: Bench) -> None:
    """500 events, the Broker stopped in the midst of them and started again: each arrives, and none twice."""

    async def slow(_: Request) -> Answer:
        await asyncio.sleep(0.005)
        return Answer(204)

    bench.subscriber.behave = slow
    broker = await bench.run()
    numbers = [str(number) for number in range(500)]

    assert {await bench.post(id=number) for number in numbers} == {202}
    await bench.subscriber.received(50)
    await broker.stop()
    before = len(bench.subscriber.requests)
    await broker.start()
    await bench.subscriber.received(500)
    await bench.done(500 - before)

    assert before < 500, "it was not stopped in the midst"
    assert sorted(await bench.subscriber.ids()) == sorted(numbers)


async def test_a_stop_lets_a_request_finish_and_keeps_a_retry_for_later(bench: Bench) -> None:
    """Stop waits for an open request within its grace, but not for the wait before a retry."""
    bench.subscriber.behave = bench.subscriber.hold
    bench.sink.answers(500, 204)
    broker = await bench.run(
        bench.trigger(), bench.trigger("other", bench.sink.url, of_type="failing", backoff_delay=30)
    )
    await bench.post()
    await bench.post(type="failing", id="retried")
    await bench.subscriber.received()
    await bench.sink.received()

    begun = time.monotonic()
    asyncio.get_running_loop().call_later(0.2, bench.subscriber.release.set)
    await broker.stop(grace=60)
    took = time.monotonic() - begun
    await broker.start()
    await bench.done(name="other")

    assert took < 20
    assert await bench.subscriber.ids() == ["1"]
    assert await bench.sink.ids() == ["retried", "retried"]


async def test_a_stop_gives_up_a_request_beyond_its_grace(bench: Bench) -> None:
    """A subscriber that never answers does not hold up the end; its event comes again."""
    bench.subscriber.behave = bench.subscriber.hold
    broker = await bench.run()
    await bench.post()
    await bench.subscriber.received()

    begun = time.monotonic()
    await broker.stop(grace=0.1)
    took = time.monotonic() - begun
    bench.subscriber.answers(204)
    await broker.start()

    assert took < 20
    assert await bench.subscriber.ids(2) == ["1", "1"]


async def test_what_was_in_hand_comes_back_in_its_order() -> None:
    """Memory gives out again what was not acknowledged, before all that waits."""
    queues, topology = MemoryQueues(), plan("ns", "stocks", [trigger("main", "http://x", "http://x")])
    await queues.open(topology)
    for number in "1234":
        await queues.publish(topology.ingress, Message({"type": "asked"}, b"", "", number))
    first, *_ = [await queues.get(topology.consumers[0].queue) for _ in range(3)]

    first.acknowledge()
    await queues.close()
    await queues.open(topology)

    assert [(await queues.get(topology.consumers[0].queue)).message.message_id for _ in range(3)] == ["2", "3", "4"]


@only_rabbitmq
async def test_a_new_broker_finds_the_events_of_the_old(bench: Bench, port: int) -> None:
    """Queues have the same names after a restart of the process, and keep what was not delivered."""
    old = await bench.run(bench.trigger(to=f"http://127.0.0.1:{port}/", backoff_delay=30))
    await bench.post(id="kept")
    await old.stop()

    await bench.run()

    assert await bench.subscriber.ids() == ["kept"]


@only_rabbitmq
async def test_a_changed_filter_forgets_the_old_one(bench: Bench) -> None:
    """A Trigger whose filter was edited between two runs gets nothing by yesterday's filter."""
    old = await bench.run(bench.trigger(of_type="old"))
    await old.stop()
    await bench.run(bench.trigger(of_type="new"))

    await bench.post(type="old", id="old")
    await bench.post(type="new", id="new")

    assert await bench.subscriber.ids() == ["new"]


# --- RabbitMQ itself ---


@only_rabbitmq
async def test_the_topology_is_that_of_eventing_rabbitmq(bench: Bench, backend: str) -> None:
    """Exchanges, queues and their names are those a cluster would show."""
    await bench.run()
    topology = plan(bench.namespace, "stocks", [bench.trigger()])
    uid = topology.ingress.removeprefix(f"b.{bench.namespace}.stocks.")

    assert len(uid) == 36
    assert topology.consumers[0].queue == f"{bench.namespace}.main.{uid}"
    with connected(backend) as channel:
        for exchange in topology.exchanges:
            channel.exchange_declare(exchange, ExchangeType.headers, durable=True)  # raises when it is of another type
        for consumer in topology.consumers:
            channel.queue_declare(consumer.queue, durable=True, arguments={"x-queue-type": "quorum"})


async def test_long_names_are_hashed_as_kubernetes_does() -> None:
    """Beyond 63 characters a name is the first 31 of its parent and an MD5 of all."""
    topology = plan("a-namespace-of-a-considerable-length", "stocks", [trigger("main", "http://x", "http://x")])
    names = {*topology.exchanges, *(consumer.queue for consumer in topology.consumers[1:])}

    assert [name[:31] for name in topology.exchanges] == [
        "b.a-namespace-of-a-considerable",
        "t.a-namespace-of-a-considerable",
    ]
    assert {len(name) for name in names} == {63}
    assert all(int(name[31:], 16) for name in names)
    assert len(names) == 3


@only_rabbitmq
async def test_what_lies_in_rabbitmq_is_what_a_cluster_would_show(bench: Bench, backend: str) -> None:
    """Attributes are headers without prefix, extensions in their own type; the message is persistent and has the id."""
    await bench.run()
    with connected(backend) as channel:
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, plan(bench.namespace, "stocks", []).ingress, arguments={"x-match": "all"})

        headers, body = structured(subject="s", datacontenttype="application/json", data=[1], job="bars", part=3)
        await bench.send({**headers, "traceparent": TRACE}, body)
        _, properties, data = channel.basic_get(queue, auto_ack=True)

    expected = {
        **PARTS,
        "subject": "s",
        "content-type": "application/json",
        "time": "0001-01-01T00:00:00Z",
        "traceparent": TRACE,
        "tracestate": "",
        "job": "bars",
        "part": 3,
    }
    assert (properties.headers, data) == (expected, b"[1]")
    assert (properties.delivery_mode, properties.message_id, properties.content_type) == (2, "1", "application/json")


@only_rabbitmq
async def test_where_quorum_is_refused_a_queue_is_classic(
    bench: Bench, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A RabbitMQ that does not know a type of queue gets a classic one."""
    monkeypatch.setattr(rabbit, "_QUEUE_TYPES", ("unheard", "classic"))

    await bench.run()
    await bench.post()

    assert await bench.subscriber.received()
    with connected(backend) as channel:
        for consumer in plan(bench.namespace, "stocks", [bench.trigger()]).consumers:
            channel.queue_declare(consumer.queue, durable=True, arguments={"x-queue-type": "classic"})


@only_rabbitmq
async def test_a_queue_that_is_classic_stays_so(bench: Bench, backend: str, caplog: pytest.LogCaptureFixture) -> None:
    """A queue of an earlier time is used as it is, and the log says so."""
    queue = plan(bench.namespace, "stocks", [bench.trigger()]).consumers[0].queue
    with connected(backend) as channel:
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "classic"})

    await bench.run()
    await bench.post()

    assert await bench.subscriber.received()
    assert f"queue {queue} cannot be of type quorum" in caplog.text


@only_rabbitmq
async def test_an_unreachable_rabbitmq_is_an_error_at_start(
    bench: Bench, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start says which RabbitMQ cannot be used, and without its password."""
    monkeypatch.setattr(rabbit, "_CONNECT_SECONDS", 0.5)

    with pytest.raises(BrokerError, match=f"RabbitMQ at 127.0.0.1:{port} cannot be used") as caught:
        await bench.run(url=f"amqp://guest:secret@127.0.0.1:{port}/")

    assert "secret" not in str(caught.value)


@only_rabbitmq
async def test_an_event_comes_again_when_its_acknowledgement_is_lost(
    bench: Bench, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection dies while a subscriber works: its success cannot be acknowledged, so the event comes twice."""
    bench.subscriber.behave = bench.subscriber.hold
    await bench.run(url=proxy.url)
    await bench.post(id="first")
    await bench.post(id="second")
    await bench.subscriber.received()

    proxy.cut()
    await wait_until_async(lambda: gone(caplog), DEADLINE)
    bench.subscriber.release.set()

    assert await bench.subscriber.ids(3) == ["first", "first", "second"]
    assert (await bench.done(3)).delivered == 3


@only_rabbitmq
async def test_nothing_is_lost_when_the_connection_is_cut_again_and_again(
    bench: Bench, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was answered 202 arrives, though RabbitMQ's connections die many times meanwhile."""
    await bench.run(bench.trigger(parallelism=4), url=proxy.url)
    numbers = [str(number) for number in range(200)]

    async def accepted(number: str) -> bool:
        return await bench.post(id=number) == 202

    for number in numbers:
        await wait_until_async(lambda number=number: accepted(number), DEADLINE)
        if number.endswith("9"):
            proxy.cut()

    async def all_arrived() -> bool:
        return {request.id for request in bench.subscriber.requests} == set(numbers)

    assert await wait_until_async(all_arrived, DEADLINE)
    assert "cannot be of type" not in caplog.text


@only_rabbitmq
async def test_a_rabbitmq_that_goes_and_comes_back(
    bench: Bench, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Meanwhile the ingress answers 500 at once, afterwards 202; the log has one line for each way of a connection."""
    caplog.set_level(logging.INFO)
    broker = await bench.run(url=proxy.url)

    async def accepted() -> bool:
        return await bench.post(id="accepted") == 202

    proxy.refuses = True
    proxy.cut()
    await wait_until_async(lambda: gone(caplog), DEADLINE)
    begun = time.monotonic()
    answers = [await bench.post(id="refused") for _ in range(5)]
    took = time.monotonic() - begun
    ready = (await broker.status())["main"].ready
    await asyncio.sleep(0.5)
    proxy.refuses = False
    await wait_until_async(accepted, DEADLINE)

    assert (answers, ready) == ([500] * 5, None)
    assert took < 5
    assert await bench.subscriber.ids() == ["accepted"]
    assert caplog.text.count("RabbitMQ is gone") == caplog.text.count("RabbitMQ is back") == 2


@only_memory  # of its own RabbitMQ
async def test_events_survive_a_restart_of_rabbitmq(bench: Bench, own_rabbitmq: RabbitMQ) -> None:
    """What waits, and what is in a subscriber's hand, arrives after RabbitMQ was stopped and started."""
    bench.subscriber.behave = bench.subscriber.hold
    await bench.run(url=own_rabbitmq.url)
    numbers = [str(number) for number in range(20)]
    for number in numbers:
        await bench.post(id=number)
    await bench.subscriber.received()

    async def accepted() -> bool:
        return await bench.post(id="afterwards") == 202

    await asyncio.to_thread(own_rabbitmq.stop)
    meanwhile = await bench.post(id="meanwhile")
    await asyncio.to_thread(own_rabbitmq.start)
    await wait_until_async(accepted, DEADLINE)
    bench.subscriber.release.set()

    assert meanwhile == 500
    assert await bench.subscriber.ids(22) == ["0", *numbers, "afterwards"]


@only_rabbitmq
async def test_a_silent_rabbitmq_is_500_within_bounds(
    bench: Bench, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that is not confirmed is answered 500 after a bound, and may arrive all the same; so has status."""
    monkeypatch.setattr(rabbit, "_CONFIRM_SECONDS", 0.3)
    monkeypatch.setattr(rabbit, "_STATUS_SECONDS", 0.3)
    broker = await bench.run(url=proxy.url)
    proxy.flowing.clear()

    begun = time.monotonic()
    status = await bench.post()
    ready = (await broker.status())["main"].ready
    took = time.monotonic() - begun
    proxy.flowing.set()

    assert (status, ready) == (500, None)
    assert 0.3 <= took < 15  # heartbeats would tell only after 40
    assert await bench.subscriber.received()


@only_rabbitmq
async def test_a_connection_that_dies_before_the_confirmation_is_500_at_once(
    bench: Bench, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits out the bound for a confirmation that can no longer come."""
    await bench.run(url=proxy.url)
    proxy.flowing.clear()

    posted = asyncio.create_task(bench.post())
    await asyncio.sleep(0.2)
    begun = time.monotonic()
    proxy.cut()
    status = await posted
    took = time.monotonic() - begun

    assert status == 500
    assert "the connection to RabbitMQ was lost" in caplog.text
    assert took < rabbit._CONFIRM_SECONDS - 1


@only_rabbitmq
async def test_deleted_queues_are_made_anew(bench: Bench, backend: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever clears RabbitMQ under a running Broker finds it at work again a moment later."""
    caplog.set_level(logging.INFO)
    await bench.run()
    clear(backend, bench.namespace)

    async def delivered() -> bool:
        await bench.post()
        return bool(bench.subscriber.requests)

    assert await wait_until_async(delivered, DEADLINE)
    assert "a queue was deleted" in caplog.text


# --- Figures ---


@only_memory
async def test_every_outcome_is_one_line_with_its_trace(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Accepted and delivered, each in one line at INFO that names the event and its trace."""
    caplog.set_level(logging.INFO, "knative.local.broker")
    await bench.run()

    await bench.send({**EVENT, "traceparent": TRACE})
    await bench.done()

    lines = [record.getMessage() for record in caplog.records if TRACE[3:35] in record.getMessage()]
    assert [line.split(" in ")[0] for line in lines] == [
        f"accepted asked 1, trace {TRACE[3:35]}",
        "main: delivered asked 1: 204",
    ]


async def test_status_tells_what_waits(bench: Bench) -> None:
    """Ready counts what the dispatcher has not taken in hand: in RabbitMQ what lies beyond its prefetch of 100."""
    bench.subscriber.behave = bench.subscriber.hold
    broker = await bench.run()
    for number in range(120):
        await bench.post(id=str(number))
    await bench.subscriber.received()

    ready = (await broker.status())["main"].ready

    assert ready == (20 if bench.url else 119)
