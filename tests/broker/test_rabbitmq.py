"""Messages in RabbitMQ outlive its faults: lost connections, restarts, deleted queues."""

import asyncio
import logging
import time

import pytest

from knative.local.broker import BrokerError, rabbit
from tests.broker.bench import (
    DEADLINE,
    EVENT,
    TRACE,
    Bench,
    Proxy,
    clear,
    gone,
    only_memory,
    only_rabbitmq,
)
from tests.waiting import wait_until_async

pytestmark = pytest.mark.anyio


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
        return caplog.text.count("reconnected to RabbitMQ") >= 2

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
    assert caplog.text.count("connection to RabbitMQ lost for") == caplog.text.count("reconnected to RabbitMQ") == 2


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
