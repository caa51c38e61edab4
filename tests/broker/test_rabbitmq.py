"""Exchanges, queues and messages in RabbitMQ are those of a cluster, and events outlive its faults."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pika.exceptions import ChannelClosedByBroker
from pika.exchange_type import ExchangeType

from knative.local.broker import BrokerError, rabbit
from knative.local.broker.topology import plan
from tests.broker.bench import (
    DEADLINE,
    EVENT,
    PARTS,
    TRACE,
    Bench,
    Proxy,
    clear,
    connected,
    gone,
    only_memory,
    only_rabbitmq,
    structured,
    trigger,
)
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio


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

    async def both_back() -> bool:
        return caplog.text.count("RabbitMQ is back") >= 2

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
    await wait_until_async(both_back, DEADLINE)

    assert (answers, ready) == ([500] * 5, None)
    assert took < 5
    assert await bench.subscriber.ids() == ["accepted"]
    assert caplog.text.count("RabbitMQ is gone") == caplog.text.count("RabbitMQ is back") == 2


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
    """Nobody waits out the bound for a confirmation that can no longer come; and the Broker stops while it connects."""
    broker = await bench.run(url=proxy.url)
    proxy.flowing.clear()

    posted = asyncio.create_task(bench.post())
    await asyncio.wait_for(proxy.stalled.wait(), DEADLINE)
    begun = time.monotonic()
    proxy.cut()
    status = await posted
    took = time.monotonic() - begun
    await wait_until_async(lambda: gone(caplog), DEADLINE)
    await asyncio.sleep(0.1)  # it tries again after half of that
    await broker.stop(grace=0)

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

    async def as_many_wait() -> bool:
        return (await broker.status())["main"].ready == (20 if bench.url else 119)

    await wait_until_async(as_many_wait, DEADLINE)


@only_rabbitmq
async def test_two_runs_on_one_rabbitmq_do_not_disturb_each_other(bench: Bench) -> None:
    """Each run has names of its own: the start of a second one takes neither exchange nor events of the first."""
    first = await bench.run(identity="first")
    await bench.run(bench.trigger(to=bench.sink.url), identity="second")

    for number in range(20):
        await bench.client.post(first.ingress_url, headers={**EVENT, "ce-id": f"first-{number}"}, content=b"{}")
        await bench.post(id=f"second-{number}")

    assert {name[:5] for name in await bench.subscriber.ids(20)} == {"first"}
    assert {name[:6] for name in await bench.sink.ids(20)} == {"second"}
    for identity in ("first", "second"):
        clear(bench.url or "", bench.namespace, identity)


@only_rabbitmq
async def test_the_queue_of_a_removed_trigger_goes_with_it(
    bench: Bench, backend: str, tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    """At the next start an empty queue without a Trigger is deleted; one with events is kept and named."""
    silent = f"http://127.0.0.1:{port}/"
    three = [bench.trigger(), bench.trigger("empty", of_type="empty"), bench.trigger("other", silent, of_type="full")]
    old = await bench.run(*(replace(one, backoff_delay=30) for one in three), declared=tmp_path / "queues")
    await bench.post(type="full")
    await old.stop()

    new = await bench.run(declared=tmp_path / "queues")

    uid = plan(bench.namespace, "stocks", []).ingress.rpartition(".")[2]
    kept = f"{bench.namespace}.other.{uid}"
    assert f"queue {kept} belongs to no Trigger any more" in caplog.text
    assert kept in (tmp_path / "queues").read_text()
    with connected(backend) as channel, pytest.raises(ChannelClosedByBroker):
        channel.queue_declare(f"{bench.namespace}.empty.{uid}", passive=True)
    await new.stop()
