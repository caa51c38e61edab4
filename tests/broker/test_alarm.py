"""A RabbitMQ that is short of memory or silent: refused at once with the cause, nothing lost, nothing dead-lettered."""

import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from knative.local.broker import Counts
from knative.local.services.rabbitmq import RabbitMQ
from tests.broker.bench import EVENT, REPLY, Answer, Bench, only_memory
from tests.waiting import wait_until_async

pytestmark = [pytest.mark.anyio, only_memory]  # the file has a RabbitMQ of its own


WATCH = """
spawn(fun Watch() ->
    lists:foreach(fun(Resource) ->
        Source = {resource_limit, Resource, node()},
        case filelib:is_file("FOLDER/" ++ atom_to_list(Resource)) of
            true -> rabbit_alarm:set_alarm({Source, []});
            false -> rabbit_alarm:clear_alarm(Source)
        end
    end, [memory, disk]),
    timer:sleep(50),
    Watch()
end).
"""
"""Erlang process that holds an alarm while a file of its name exists: rabbitmqctl itself takes seconds."""


@pytest.fixture(scope="module")
def alarms(own_rabbitmq: RabbitMQ, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of those files."""
    folder = tmp_path_factory.mktemp("alarms")
    command = [own_rabbitmq._installation.server.with_name("rabbitmqctl"), "eval", WATCH.replace("FOLDER", str(folder))]
    subprocess.run(command, env=own_rabbitmq.environment, check=True, capture_output=True, timeout=120)
    return folder


@pytest.mark.parametrize("resource", ["memory", "disk"])
async def test_an_alarm_is_503_at_once_and_loses_nothing(
    bench: Bench, own_rabbitmq: RabbitMQ, alarms: Path, resource: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Events are refused within a second with Retry-After and the cause; accepted ones arrive, and their replies."""
    bench.subscriber.behave = bench.subscriber.hold
    await bench.run(
        bench.trigger(retry=0), bench.trigger("other", bench.sink.url, of_type="answered"), url=own_rabbitmq.url
    )
    for number in range(5):
        assert await bench.post(id=f"before-{number}") == 202
    statuses: list[int] = []

    async def is_refused() -> bool:
        statuses.append(await bench.post(id=f"during-{len(statuses)}"))
        return statuses[-1] == 503

    (alarms / resource).touch()
    await wait_until_async(is_refused, 60)
    begun = time.monotonic()
    refused = await bench.client.post(bench.brokers[0].ingress_url, headers=EVENT, content=b"{}")
    took = time.monotonic() - begun
    bench.subscriber.answers(Answer(200, {name: value for name, value in REPLY.items() if name != "ce-id"}))
    bench.subscriber.release.set()
    await asyncio.sleep(1)
    during = await bench.brokers[0].status()
    (alarms / resource).unlink()
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
