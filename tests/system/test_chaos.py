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
import psutil
import psycopg

from knative.local.services.ports import free_port
from tests.reading import hours, sessions
from tests.runner.servers import processes_of
from tests.running import System, running
from tests.store_harness import BARS, bar, fetched, headers
from tests.system.watching import FRIDAY_EVENING, watching
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
    """Send an event to the broker until it is accepted."""

    def accepted() -> bool:
        try:
            answer = httpx.post(ingress, headers=headers(BARS, f"chaos-{number}"), json=data, timeout=10)
        except httpx.TransportError:
            return False
        return answer.status_code == 202

    wait_until(accepted, 90)


def kill_functions(system: System) -> None:
    """Kill every replica of every function."""
    for function in system.status()["functions"]:
        for pid in function["pids"]:
            os.kill(pid, signal.SIGKILL)


def kill_server(folder: Path, name: str) -> None:
    """End the process of a private server, once it runs; its guard lives on, as after a crash."""
    program = {"postgres": "postgres", "redis": "valkey-server", "rabbitmq": "beam.smp"}[name]
    marked: list[tuple[float, psutil.Process]] = []

    def found() -> bool:
        for one in processes_of(folder / "services"):
            with suppress(psutil.NoSuchProcess):  # a worker of the server that has just ended
                if one.name() == program:
                    marked.append((one.create_time(), one))
        return bool(marked)

    wait_until(found, 60)
    _, oldest = min(marked, key=lambda pair: pair[0])
    oldest.kill()


def database_url(folder: Path) -> str:
    """Return the address of the private Postgres."""
    port, password = ((folder / "services" / "postgres" / name).read_text().strip() for name in ("port", "password"))
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"


def count_stored(url: str) -> tuple[int, ...]:
    """Return the numbers of bars, closes, revisions, rejected bars and dead letters."""
    with psycopg.connect(url) as connection:
        counts = connection.execute(
            """
            SELECT (SELECT count(*) FROM bars), (SELECT count(DISTINCT close) FROM bars),
                   (SELECT count(*) FROM bar_revisions), (SELECT count(*) FROM rejected_bars),
                   (SELECT count(*) FROM dead_letters)
            """
        ).fetchone()
    return counts or ()


def bars_of(system: System, ticker: str) -> list[dict[str, Any]]:
    """Return the hourly bars of *ticker* that the API serves."""
    return system.get(f"/ohlc/{ticker}", start="2026-10-01", limit=EVENTS)["items"]


def test_whatever_is_killed_the_table_is_whole(tmp_path: Path) -> None:
    """kill -9 of every function, of the private Redis, Postgres and RabbitMQ, and of the runner, with events on their
    way: the runner starts its servers again, every accepted bar is stored once, none was revised, rejected or put
    aside, and readers got answers meanwhile."""
    environment = {
        "CLOCK": FRIDAY_EVENING,
        "PROVIDERS": "twelvedata",
        "TWELVEDATA_API_KEYS": "none",
        "TWELVEDATA_BASE_URL": "http://127.0.0.1:1",
    }
    port, folder = free_port(), tmp_path / "system"
    with running(folder, environment, "--manual", "--min-scale", "1", port=port) as system:
        waiting = enumerate(list(events(database_url(folder))))
        ingress = system.status()["ingress"]
        with watching(system.url) as watch:
            for name in ("functions", "redis", "postgres", "rabbitmq"):
                for number, data in islice(waiting, 20):
                    publish(ingress, data, number)
                if name == "functions":
                    kill_functions(system)
                else:
                    kill_server(folder, name)
            wait_until(lambda: sum(system.status()["restarts"].values()) >= 3, 90)
            wait_until(lambda: watch.seen[-1].status == 200 and not watch.seen[-1].stale, 60)
        for number, data in waiting:
            publish(ingress, data, number)
        wait_until(lambda: len(bars_of(system, "AAPL")) > EVENTS / 2, 120)
        restarts, before = system.status()["restarts"], bars_of(system, "AAPL")
        os.kill(system.process.pid, signal.SIGKILL)
        system.process.wait()

    with running(folder, environment, "--manual", port=port) as system:
        with suppress(AssertionError):
            wait_until(lambda: count_stored(database_url(folder))[0] == 50 * EVENTS, 120)
        stored, after = count_stored(database_url(folder)), bars_of(system, "AAPL")

    assert stored == (50 * EVENTS, EVENTS, 0, 0, 0)
    assert after[: len(before)] == before
    assert restarts == {"PostgreSQL": 1, "Redis": 1, "RabbitMQ": 1}
    assert {seen.status for seen in watch.seen} <= {200, 502, 503}
    assert max(seen.seconds for seen in watch.seen) < 30
    assert sum(seen.status == 200 for seen in watch.seen) > len(watch.seen) / 2
