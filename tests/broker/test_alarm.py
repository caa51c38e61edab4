"""A RabbitMQ that is short of memory or silent: refused at once with the cause, nothing lost, nothing dead-lettered."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from knative.local.broker import Counts
from knative.local.services.rabbitmq import RabbitMQ
from tests.broker.bench import EVENT, REPLY, Answer, Bench, only_memory
from tests.waiting import wait_until_async

pytestmark = [pytest.mark.anyio, only_memory]  # the file has a RabbitMQ of its own


def evaluate(server: RabbitMQ, expression: str) -> None:
    """Evaluate an Erlang expression on the node."""
    program = server._installation.server.with_name("rabbitmqctl")
    subprocess.run([program, "eval", expression], env=server.environment, check=True, capture_output=True, timeout=60)


@asynccontextmanager
async def alarm(server: RabbitMQ, resource: str) -> AsyncIterator[None]:
    """Let the node believe that it is short of *resource*."""
    source = f"{{resource_limit, {resource}, node()}}"
    await asyncio.to_thread(evaluate, server, f"rabbit_alarm:set_alarm({{{source}, []}}).")
    yield
    await asyncio.to_thread(evaluate, server, f"rabbit_alarm:clear_alarm({source}).")


@pytest.mark.parametrize("resource", ["memory", "disk"])
async def test_an_alarm_is_503_at_once_and_loses_nothing(
    bench: Bench, own_rabbitmq: RabbitMQ, resource: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Events are refused within a second with Retry-After and the cause; accepted ones arrive, and their replies."""
    bench.subscriber.behave = bench.subscriber.hold
    await bench.run(
        bench.trigger(retry=0), bench.trigger("other", bench.sink.url, of_type="answered"), url=own_rabbitmq.url
    )
    for number in range(5):
        assert await bench.post(id=f"before-{number}") == 202
    statuses: list[int] = []
    async with alarm(own_rabbitmq, resource):
        statuses = [await bench.post(id=f"during-{number}") for number in range(2)]
        begun = time.monotonic()
        refused = await bench.client.post(bench.brokers[0].ingress_url, headers=EVENT, content=b"{}")
        took = time.monotonic() - begun
        bench.subscriber.answers(Answer(200, {name: value for name, value in REPLY.items() if name != "ce-id"}))
        bench.subscriber.release.set()
        await asyncio.sleep(1)
        during = await bench.brokers[0].status()
    accepted = 5 + statuses.count(202)

    async def all_done() -> bool:
        return (await bench.brokers[0].status())["main"].counts.delivered >= accepted

    await wait_until_async(all_done, 60)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.text == f"RabbitMQ accepts no events: low on {resource}"
    assert took < 5
    assert f"RabbitMQ accepts no events: low on {resource}" in caplog.text
    assert "LOST" not in caplog.text
    assert during["main (dead letters)"].counts == Counts()
    assert (await bench.brokers[0].status())["main (dead letters)"].counts == Counts()
