"""Exchanges and queues in RabbitMQ are those of a cluster, for as long as their Triggers are there."""

from dataclasses import replace
from pathlib import Path

import pytest
from pika.exceptions import ChannelClosedByBroker
from pika.exchange_type import ExchangeType

from knative.local.broker import rabbit
from knative.local.broker.topology import plan
from tests.broker.bench import (
    EVENT,
    PARTS,
    TRACE,
    Bench,
    clear,
    connected,
    only_rabbitmq,
    structured,
    trigger,
)

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
