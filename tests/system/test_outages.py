"""Each service stops and comes back once while the API is watched: it answers as promised, and the data is whole."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from knative.local.services import Services
from tests.running import System, running
from tests.system.watching import FRIDAY_EVENING, Seen, Watch, server, watching
from tests.waiting import wait_until

OCTOBER = {"start": "2026-10-05", "end": "2026-10-09"}
TICK = {
    "ce-id": "t",
    "ce-source": "/tests",
    "ce-type": "dev.knative.sources.ping",
    "ce-specversion": "1.0",
    "ce-job": "bars",
}


@pytest.fixture
def system(stoppable_services: Services, tmp_path: Path) -> Iterator[System]:
    """A filled system on three servers that this test alone uses."""
    environment = {
        "DATABASE_URL": stoppable_services.postgres_url,
        "REDIS_URL": stoppable_services.redis_url,
        "AMQP_URL": stoppable_services.amqp_url or "",
        "CLOCK": FRIDAY_EVENING,
        "HISTORY_SESSIONS": "5",
    }
    with running(tmp_path / "system", environment, "--manual", "--min-scale", "1") as system:
        while system.tick().led_to:
            pass
        yield system


def let_pass(watch: Watch, answers: int) -> list[Seen]:
    """The next *answers* answers, counted from now."""
    mark = len(watch.seen)
    wait_until(lambda: len(watch.since(mark)) >= answers, 60)
    return watch.since(mark)


def missing(system: System) -> int:
    """How many bars of the week in October the store lacks."""
    totals = system.get("/coverage", **OCTOBER, detail="totals")["totals"]
    return totals["expected"] - totals["present"]


def test_without_redis_nothing_is_refused(system: System, stoppable_services: Services) -> None:
    """Redis gone: every answer is whole and none is stale; back again: the same, and bars still get in meanwhile."""
    redis = server(stoppable_services.redis)
    with watching(system.url) as watch:
        let_pass(watch, 5)
        redis.stop()
        during = let_pass(watch, 20)
        system.tick(data=OCTOBER)
        redis.start()
        after = let_pass(watch, 10)

    assert {(seen.status, seen.items, seen.stale) for seen in during + after} == {(200, 50, False)}
    assert missing(system) == 0


def test_without_postgres_kept_answers_say_that_they_are_stale(system: System, stoppable_services: Services) -> None:
    """Postgres gone: what was asked before is given with `stale: true`, what was not is 503 with Retry-After; a tick
    waits in RabbitMQ meanwhile, and once Postgres is back its bars come in and no answer is stale."""
    postgres = server(stoppable_services.postgres)
    with watching(system.url) as watch:
        let_pass(watch, 5)
        postgres.stop()
        wait_until(lambda: watch.seen[-1].stale, 10)
        ingress = system.status()["ingress"]
        accepted = httpx.post(ingress, headers=TICK, json=OCTOBER)
        during = let_pass(watch, 20)
        unknown = httpx.get(f"{system.url}/api/ohlc/AAPL?limit=3", timeout=30)
        postgres.start()
        wait_until(lambda: not watch.seen[-1].stale, 30)
        after = let_pass(watch, 10)
        wait_until(lambda: missing(system) == 0, 60)

    assert accepted.status_code == 202
    assert {(seen.status, seen.items, seen.stale) for seen in during} == {(200, 50, True)}
    assert (unknown.status_code, unknown.headers["content-type"]) == (503, "application/problem+json")
    assert int(unknown.headers["retry-after"]) > 0
    assert {(seen.status, seen.items, seen.stale) for seen in after} == {(200, 50, False)}


def test_without_rabbitmq_ticks_fail_and_the_next_one_heals(system: System, stoppable_services: Services) -> None:
    """RabbitMQ gone: readers notice nothing, no tick is accepted; back again: the next tick brings what is missing."""
    rabbitmq = server(stoppable_services.rabbitmq)
    ingress = system.status()["ingress"]
    with watching(system.url) as watch:
        let_pass(watch, 5)
        rabbitmq.stop()
        refused = httpx.post(ingress, headers=TICK, json=OCTOBER, timeout=30)
        during = let_pass(watch, 20)
        rabbitmq.start()
        wait_until(lambda: httpx.post(ingress, headers=TICK, json=OCTOBER, timeout=30).status_code == 202, 60)
        wait_until(lambda: missing(system) == 0, 60)
        after = let_pass(watch, 10)

    assert refused.status_code == 500
    assert {(seen.status, seen.items, seen.stale) for seen in during + after} == {(200, 50, False)}
