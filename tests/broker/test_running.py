"""The local Broker keeps order and bounds, starts and stops without losing an event, and delivers in parallel."""

import asyncio
import time

import pytest

from knative.local.broker.memory import MemoryQueues
from knative.local.broker.messages import AmqpMessage
from knative.local.broker.topology import plan
from tests.broker.bench import (
    Answer,
    Bench,
    Request,
    only_rabbitmq,
    trigger,
)

pytestmark = pytest.mark.anyio

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

    posted = asyncio.Event()

    async def slow(_: Request) -> Answer:
        await posted.wait()
        await asyncio.sleep(0.02)
        return Answer(204)

    bench.subscriber.behave = slow
    broker = await bench.run()
    numbers = [str(number) for number in range(500)]

    assert {await bench.post(id=number) for number in numbers} == {202}
    posted.set()
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
        await queues.publish(topology.ingress, AmqpMessage({"type": "asked"}, b"", "", number))
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
