"""Five thousand bars on their way while everything is killed once: nothing lost, nothing twice, readers answered."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from knative.local.services import Services, start_services
from knative.local.services.ports import free_port
from tests.reading import hours, sessions
from tests.running import System, running
from tests.store_harness import BARS, bar, fetched, headers
from tests.system.watching import FRIDAY_EVENING, server, watching
from tests.waiting import wait_until

EVENTS = 100
EVENING = datetime.fromisoformat(FRIDAY_EVENING.split()[0])


def events(database_url: str) -> Iterator[dict[str, Any]]:
    """An event for each of the last hundred hours: one bar of each of the fifty tickers."""
    with psycopg.connect(database_url) as connection:
        tickers = [name for (name,) in connection.execute("SELECT ticker FROM tickers WHERE active ORDER BY ticker")]
    starts = hours(sessions(database_url, "2026-10-01", "2026-11-21"))[-EVENTS:]
    for number, start in enumerate(starts):
        one = bar(start, f"{100 + number / 100:.2f}")
        yield fetched({ticker: [one] for ticker in tickers}, at=EVENING, start=start, end=EVENING)


def publish(ingress: str, data: dict[str, Any], number: int) -> None:
    """Give the broker an event, again and again until it says that it has it."""

    def accepted() -> bool:
        try:
            answer = httpx.post(ingress, headers=headers(BARS, f"chaos-{number}"), json=data, timeout=10)
        except httpx.TransportError:
            return False
        return answer.status_code == 202

    wait_until(accepted, 90)


def kill_functions(system: System) -> None:
    """End every copy of every function as a machine that fails would."""
    for function in system.status()["functions"]:
        for pid in function["pids"]:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def careful_services(tmp_path: Path) -> Iterator[Services]:
    """Three private servers that wait for the disk, as outside of tests: what they confirmed, a kill does not take."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    with start_services(tmp_path / "services", environment) as services:
        assert services.amqp_url, services.notes
        yield services


def test_whatever_is_killed_the_table_is_whole(careful_services: Services, tmp_path: Path) -> None:
    """kill -9 of every function, of Redis, Postgres and RabbitMQ, of dispatchers and ingress, with events on their way:
    every bar is stored once, none was revised, rejected or put aside, and readers got answers meanwhile."""
    services = careful_services
    redis, postgres, rabbitmq = (server(one) for one in (services.redis, services.postgres, services.rabbitmq))
    environment = {
        "DATABASE_URL": services.postgres_url,
        "REDIS_URL": services.redis_url,
        "AMQP_URL": services.amqp_url or "",
        "CLOCK": FRIDAY_EVENING,
        "PROVIDERS": "twelvedata",
        "TWELVEDATA_API_KEYS": "none",
        "TWELVEDATA_BASE_URL": "http://127.0.0.1:1",
    }
    port = free_port()
    with running(tmp_path / "system", environment, "--manual", "--min-scale", "1", port=port) as system:
        waiting = enumerate(list(events(services.postgres_url)))
        with watching(system.url) as watch:
            for crash in (lambda: kill_functions(system), redis.kill, postgres.kill, rabbitmq.kill):
                ingress = system.status()["ingress"]
                for number, data in islice(waiting, 20):
                    publish(ingress, data, number)
                crash()
                for one in (redis, postgres, rabbitmq):
                    one.start()
            wait_until(lambda: watch.seen[-1].status == 200 and not watch.seen[-1].stale, 60)
        ingress = system.status()["ingress"]
        for number, data in waiting:
            publish(ingress, data, number)
        os.kill(system.process.pid, signal.SIGKILL)
        system.process.wait()

    def stored() -> tuple[int, ...] | None:
        with psycopg.connect(services.postgres_url) as connection:
            return connection.execute(
                """
                SELECT (SELECT count(*) FROM bars), (SELECT count(DISTINCT close) FROM bars),
                       (SELECT count(*) FROM bar_revisions), (SELECT count(*) FROM rejected_bars),
                       (SELECT count(*) FROM dead_letters)
                """
            ).fetchone()

    with running(tmp_path / "system", environment, "--manual", port=port), suppress(AssertionError):
        wait_until(lambda: (stored() or (0,))[0] == 50 * EVENTS, 120)

    assert stored() == (50 * EVENTS, EVENTS, 0, 0, 0)
    assert {seen.status for seen in watch.seen} <= {200, 502, 503}
    assert max(seen.seconds for seen in watch.seen) < 30
    assert sum(seen.status == 200 for seen in watch.seen) > len(watch.seen) / 2
