"""Postgres client: poolers, failovers, and more queries at once than there are connections."""

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from functions.store.migrate import migrate
from shared.connections import postgres as postgres_module
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import _MAX_WAITING, PostgresClient
from shared.connections.single_connection import connection_parameters
from shared.http.problem import Problem
from shared.runtime.settings import DatabaseSettings, Secret
from tests.broker.bench import Proxy, listening
from tests.conftest import new_database
from tests.pooler import pooled

Work = Callable[[psycopg.AsyncConnection], Awaitable[Any]]


def client(url: str, connections: int = 1) -> PostgresClient:
    """A client of the database at *url*."""
    return PostgresClient(DatabaseSettings(database_url=Secret(url), database_connections=connections))


async def zone(connection: psycopg.AsyncConnection) -> str:
    """The session's time zone."""
    row = await (await connection.execute("SELECT current_setting('TimeZone')")).fetchone()
    assert row
    return row[0]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_migration_and_functions_work_through_pgbouncer(postgres_server: str, tmp_path: Path, mode: str) -> None:
    """Four servers for all: two Jobs at once do each file once, and no setting of one client reaches another."""
    with new_database(postgres_server) as direct, pooled(direct, tmp_path, mode, size=4) as url:
        with ThreadPoolExecutor(2) as jobs:
            done = list(jobs.map(migrate, [url, url]))
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SET timezone = 'Asia/Tokyo'")
            seen = asyncio.run(client(url).run(zone))

    assert sorted(map(bool, done)) == [False, True]
    assert seen == "UTC"


def test_what_the_address_says_takes_precedence(database_url: str) -> None:
    """A timeout, name and time zone in the user's own URL are not replaced by ours."""

    async def settings(connection: psycopg.AsyncConnection) -> tuple[Any, ...] | None:
        text = "SELECT current_setting('application_name'), current_setting('TimeZone')"
        return await (await connection.execute(text)).fetchone()

    own = f"{database_url}?application_name=mine&options=-c%20timezone%3DAsia/Tokyo&connect_timeout=7"

    assert connection_parameters(own)["connect_timeout"] == "7"
    assert asyncio.run(client(own).run(settings)) == ("mine", "Asia/Tokyo")


def test_a_connection_that_turned_read_only_is_replaced(database_url: str) -> None:
    """After a failover the work is done on a new connection, once more and no more."""
    attempts: list[int] = []

    async def fail_over(connection: psycopg.AsyncConnection) -> None:
        await connection.execute("SET default_transaction_read_only = on")

    async def write(connection: psycopg.AsyncConnection) -> None:
        attempts.append(connection.info.backend_pid)
        await connection.execute("UPDATE tickers SET active = active")

    async def run() -> None:
        postgres = client(database_url)
        await postgres.run(fail_over)
        await postgres.run(write)

    asyncio.run(run())

    assert len(set(attempts)) == len(attempts) == 2


def test_a_locked_table_costs_one_wait(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """While a table is locked the first query waits and all others fail at once; when it is free, queries succeed."""

    async def count(connection: psycopg.AsyncConnection) -> int:
        row = await (await connection.execute("SELECT count(*) FROM locked")).fetchone()
        assert row
        return row[0]

    async def timed(postgres: PostgresClient) -> float:
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            await postgres.run(count, 0.5)
        return time.monotonic() - begun

    async def scenario() -> tuple[list[float], int]:
        postgres = client(database_url)
        with psycopg.connect(database_url) as holder:
            holder.execute("CREATE TABLE IF NOT EXISTS locked ()")
            holder.commit()
            await postgres.run(count)
            holder.execute("LOCK TABLE locked")
            waits = [await timed(postgres) for _ in range(4)]
            await asyncio.sleep(1.1)  # a probe is due, and finds the lock
            waits += [await timed(postgres), await timed(postgres)]
            holder.execute("ROLLBACK")
        while True:
            try:
                return waits, await postgres.run(count)
            except UnavailableError:
                await asyncio.sleep(0.1)

    (first, *others), found = asyncio.run(scenario())

    assert first >= 0.5
    assert max(others) < 0.3
    assert found == 0
    assert "Postgres does not respond: LockedError: locked is locked" in caplog.text


@pytest.mark.parametrize(("seconds_late", "works"), [(0.0, True), (3600.0, False)])
def test_a_silent_server_is_not_waited_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch, seconds_late: float, works: bool
) -> None:
    """A long query goes on while the server answers another one; else it fails soon, and later ones at once."""
    monkeypatch.setattr(postgres_module, "_DOUBTED_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(postgres_module, "_BUSY_SECONDS", 0.2)

    async def sleep(connection: psycopg.AsyncConnection) -> bool:
        await connection.execute("SELECT pg_sleep(1)")
        return True

    async def scenario() -> tuple[bool, bool]:
        proxy, direct = Proxy(database_url), urlsplit(database_url)
        async with listening(proxy, ""):
            postgres = client(database_url.replace(f"{direct.hostname}:{direct.port}", proxy.url.rstrip("/")), 2)
            await postgres.run(sleep, 60)
            proxy.seconds_late = seconds_late
            try:
                return await postgres.run(sleep, 60), postgres.is_down
            except UnavailableError:
                return False, postgres.is_down
            finally:
                proxy.cut()

    begun = time.monotonic()

    assert asyncio.run(scenario()) == (works, not works)
    assert time.monotonic() - begun < 9


def test_waiting_for_a_connection_says_nothing_about_the_server(database_url: str) -> None:
    """One connection, and twenty more queries than may wait: those are refused as busy, and Postgres is not down."""

    async def run() -> tuple[list[Any], bool]:
        postgres = client(database_url)

        async def sleep(connection: psycopg.AsyncConnection) -> None:
            await connection.execute("SELECT pg_sleep(0.01)")

        results = await asyncio.gather(*(postgres.run(sleep) for _ in range(_MAX_WAITING + 21)), return_exceptions=True)
        return results, postgres.is_down

    results, is_down = asyncio.run(run())

    refused = [result for result in results if isinstance(result, Problem)]
    assert len(refused) == 20
    assert {(problem.status, problem.headers["Retry-After"]) for problem in refused} == {(503, "2")}
    assert not is_down
    assert len(results) - results.count(None) == 20


@pytest.mark.parametrize("seconds", [0.002, 0.004, 0.008])
def test_a_process_ends_while_it_connects(database_url: str, seconds: float) -> None:
    """The event loop's end closes the pool, which would else retry a cancelled connection attempt for ever."""

    async def begin() -> None:
        query = asyncio.create_task(client(database_url).run(lambda connection: connection.execute("SELECT 1")))
        await asyncio.sleep(seconds)
        query.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(begin()), daemon=True)
    thread.start()
    thread.join(10)
    gc.collect()  # a connection attempt that was cut off would keep the server from stopping

    assert not thread.is_alive()
