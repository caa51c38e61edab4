"""Harness of the local Broker: subscribers that misbehave, and a connection to RabbitMQ that can be cut."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pika
import pytest

from knative.local.broker import Broker, Counts, TriggerSpec
from knative.local.broker.topology import plan
from tests.waiting import wait_until_async

only_rabbitmq = pytest.mark.parametrize("backend", ["rabbitmq"], indirect=True)
only_memory = pytest.mark.parametrize("backend", ["memory"], indirect=True)

PARTS = {"specversion": "1.0", "id": "1", "source": "/tests", "type": "asked"}
EVENT = {**{f"ce-{name}": value for name, value in PARTS.items()}, "content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
REPLY = {**EVENT, "ce-id": "2", "ce-type": "answered", "ce-hourcomplete": "true"}
COMPLETE = {"type": "answered", "hourcomplete": "true"}
DEADLINE = 60  # seconds, for the worst of machines
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

REFUSALS = [301, 304, 400, 401, 403, 410, 422]
FAILURES = [404, 408, 409, 429, 500, 502, 503, 504]


@dataclass(frozen=True)
class Request:
    """Request that a subscriber received."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["ce-id"]


@dataclass(frozen=True)
class Answer:
    """Response of a subscriber; status 0 cuts the connection."""

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
        """Respond with *answers* in order, and repeat the last one."""
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
    """Stands between a client and a server, and can cut, refuse, stall or slow down their connections."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""
        self.refuses = False
        self.seconds_late = 0.0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.stalled = asyncio.Event()
        """Something has come that does not flow."""

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        behind, ahead = await asyncio.open_connection(self._target.hostname, self._target.port or 5672)
        self._writers |= {writer, ahead}
        await asyncio.gather(self._pipe(reader, ahead), self._pipe(behind, writer, answers=True))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self.flowing.is_set():
                    self.stalled.set()
                    await self.flowing.wait()
                await asyncio.sleep(answers * self.seconds_late)
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
        assert (response.content == b"") == (response.status_code < 500)
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


def trigger(name: str, to: str, sink: str, of_type: str = "asked", **changes: Any) -> TriggerSpec:
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


def clear(url: str, namespace: str, identity: str = "") -> None:
    triggers = [trigger(name, "http://x", "http://x") for name in ("main", "other")]
    topology = plan(namespace, "stocks", triggers, identity)
    with connected(url) as channel:
        for exchange in topology.exchanges:
            channel.exchange_delete(exchange)
        for binding in topology.bindings:
            channel.queue_delete(binding.queue)


async def gone(caplog: pytest.LogCaptureFixture) -> bool:
    """Return whether the log reports both connections to RabbitMQ as lost."""
    return caplog.text.count("connection to RabbitMQ lost for") == 2


def structured(**changes: Any) -> tuple[dict[str, str], bytes | str]:
    return STRUCTURED, json.dumps({**PARTS, **changes})
