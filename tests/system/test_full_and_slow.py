"""Servers that are full, silent, locked or out of connections: every accepted event is stored afterwards."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
import redis

from knative.local.services import Services, start_services
from tests.reading import hours, sessions
from tests.running import System, running
from tests.store_harness import BARS, bar, fetched, headers
from tests.system.watching import FRIDAY_EVENING, server
from tests.waiting import wait_until

EVENING = datetime.fromisoformat(FRIDAY_EVENING.split()[0])
SECONDS = 1.5
EVENTS = 5
State = Callable[[Services], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Three servers of this module."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    with start_services(tmp_path_factory.mktemp("full"), environment, fast=True) as services:
        assert services.amqp_url, services.notes
        yield services


@pytest.fixture(scope="module")
def system(servers: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system on them, without data."""
    environment = {
        "DATABASE_URL": servers.postgres_url,
        "REDIS_URL": servers.redis_url,
        "AMQP_URL": servers.amqp_url or "",
        "CLOCK": FRIDAY_EVENING,
        "PROVIDERS": "simulated",
    }
    with running(tmp_path_factory.mktemp("system"), environment, "--manual", "--min-scale", "1") as system:
        yield system


@contextmanager
def stopped(root: psutil.Process) -> Iterator[None]:
    """Freeze a server and its children: connections are accepted by the kernel, and nothing answers."""
    processes = [root, *root.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGCONT)


def process_of(one: object) -> psutil.Process:
    """Return the process of a private server."""
    return psutil.Process(one._process.pid)  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def redis_full(services: Services) -> Iterator[None]:
    """Redis refuses every write: out of memory."""
    with redis.Redis.from_url(services.redis_url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        try:
            yield
        finally:
            client.config_set("maxmemory", "0")


@contextmanager
def postgres_locked(services: Services) -> Iterator[None]:
    """Somebody's transaction holds the table of bars."""
    with psycopg.connect(services.postgres_url) as connection:
        connection.execute("LOCK TABLE bars")
        yield
        connection.rollback()


@contextmanager
def postgres_without_connections(services: Services) -> Iterator[None]:
    """All connections are taken."""
    with ExitStack() as stack:

        def connect_for_ever() -> None:
            while True:
                stack.enter_context(psycopg.connect(services.postgres_url, connect_timeout=5))

        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            connect_for_ever()
        yield


@contextmanager
def postgres_read_only(services: Services) -> Iterator[None]:
    """Every transaction is read-only, as on a standby or with a full disk behind some providers."""
    with psycopg.connect(services.postgres_url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        try:
            yield
        finally:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER DATABASE postgres RESET default_transaction_read_only")


STATES: dict[str, State] = {
    "Redis full": redis_full,
    "Redis silent": lambda services: stopped(process_of(server(services.redis))),
    "Postgres locked": postgres_locked,
    "Postgres without connections": postgres_without_connections,
    "Postgres read-only": postgres_read_only,
    "Postgres silent": lambda services: stopped(process_of(server(services.postgres))),
}


@pytest.mark.parametrize("name", STATES)
def test_what_was_accepted_is_stored_afterwards(system: System, servers: Services, name: str, tmp_path: Path) -> None:
    """Events that are accepted during the state are stored after it, once each; readers get an answer all the time."""
    starts = hours(sessions(servers.postgres_url, "2026-10-01", "2026-11-21"))
    number = list(STATES).index(name)
    starts = starts[number * EVENTS : (number + 1) * EVENTS]
    ingress = system.status()["ingress"]
    with STATES[name](servers):
        for start in starts:
            data = fetched({"AAPL": [bar(start, "100")]}, at=EVENING, start=start, end=EVENING)
            accepted = httpx.post(ingress, headers=headers(BARS, f"{name}-{start}"), json=data, timeout=10)
            assert accepted.status_code == 202
        begun = time.monotonic()
        read = [httpx.get(f"{system.url}/api/latest", timeout=30) for _ in range(3)]
        time.sleep(max(0, begun + SECONDS - time.monotonic()))

    def stored() -> int:
        with psycopg.connect(servers.postgres_url) as connection:
            row = connection.execute("SELECT count(*) FROM bars WHERE start = ANY(%s)", [starts]).fetchone()
        assert row
        return row[0]

    wait_until(lambda: stored() == EVENTS, 90)
    with psycopg.connect(servers.postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
    assert {answer.status_code for answer in read} <= {200, 503}
    assert all("retry-after" in answer.headers for answer in read if answer.status_code == 503)
    assert httpx.get(f"{system.url}/api/latest", timeout=30).status_code in (200, 503)
