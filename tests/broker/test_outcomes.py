"""Outcomes of a delivery, as in eventing-rabbitmq: acknowledged, tried again, or given up."""

import asyncio
import json

import pika
import pytest

from knative.local.broker import Counts
from knative.local.broker.topology import plan
from tests.broker.bench import (
    EVENT,
    FAILURES,
    PARTS,
    REFUSALS,
    TRACE,
    Answer,
    Bench,
    connected,
    only_memory,
    only_rabbitmq,
    trigger,
)

pytestmark = pytest.mark.anyio


def in_memory_and_once_in_rabbitmq(*statuses: int) -> pytest.MarkDecorator:
    """All *statuses* with queues in memory, and the first with RabbitMQ: what a status means is decided before both."""
    cases = [("rabbitmq", statuses[0]), *(("memory", status) for status in statuses)]
    return pytest.mark.parametrize(("backend", "status"), cases, indirect=["backend"])


@in_memory_and_once_in_rabbitmq(200, 201, 202, 204)
async def test_2xx_is_done(bench: Bench, status: int) -> None:
    """A 2xx ends an event at the first attempt."""
    bench.subscriber.answers(status)
    await bench.run()

    await bench.post()

    assert await bench.done() == Counts(delivered=1, last_code=status)
    assert (len(bench.subscriber.requests), bench.sink.requests) == (1, [])


@in_memory_and_once_in_rabbitmq(*FAILURES)
async def test_a_failure_is_retried_then_dead_lettered(bench: Bench, status: int) -> None:
    """After retry + 1 attempts the event is a dead letter, unchanged but for the attributes that tell of the error."""
    bench.subscriber.answers(status)
    await bench.run()

    sent = {**EVENT, "ce-job": "bars", "traceparent": TRACE}
    await bench.send(sent, b"[1]")
    [letter] = await bench.sink.received()

    expected = sent | {"ce-knativeerrordest": "http://main.cluster.local", "ce-knativeerrorcode": str(status)}
    assert {name: letter.headers.get(name) for name in expected} == expected
    assert "ce-knativeerrordata" not in letter.headers
    assert letter.body == b"[1]"
    assert await bench.done() == Counts(retried=2, dead_lettered=1, last_code=status)
    assert len(bench.subscriber.requests) == 3


@in_memory_and_once_in_rabbitmq(*REFUSALS)
async def test_a_4xx_is_acknowledged_without_retry(bench: Bench, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """There is no retry and no dead letter; the event is gone, and the log says so."""
    bench.subscriber.answers(status)
    await bench.run()

    await bench.post()

    assert await bench.done() == Counts(lost=1, last_code=status)
    assert (len(bench.subscriber.requests), bench.sink.requests) == (1, [])
    assert [record.levelname for record in caplog.records if "LOST asked 1" in record.getMessage()] == ["WARNING"]


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
    """A message that is no CloudEvent is acknowledged, and blocks nothing."""
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
