"""Response cache: age of responses, one query for many requests, work without Redis or Postgres."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
import redis
from functions_framework.aio import create_asgi_app

import functions.api.latest
import functions.api.ohlc
from shared.cache.market_version import CHECK_SECONDS
from shared.connections.postgres import database_address
from shared.connections.redis import IDENTITIES
from tests.api.asking import REVISE, revision, wait_until_kept
from tests.reading import ROOT, UNLIMITED, change, redis_key, serving
from tests.waiting import wait_until

GONE = "postgresql://postgres@127.0.0.1:1/none"


@pytest.mark.parametrize("path", ["/latest", "/ohlc/AAPL"])
def test_a_commit_is_seen_within_a_second(stored: str, redis_url: str, path: str) -> None:
    """However often it was asked before, an answer is never older than a second after store published the epoch."""
    with serving(stored, redis_url) as one, serving(stored, redis_url) as other:
        for turn in range(3):
            assert [revision(api, path) for api in (one, other, one)] == [turn] * 3
            change(stored, REVISE, redis_url)
            deadline = time.monotonic() + 1.3
            while not revision(one, path) == revision(other, path) == turn + 1:
                assert time.monotonic() < deadline


def test_a_restored_database_is_not_taken_for_the_lost_one(stored: str, redis_url: str) -> None:
    """After a restore, a response of a lost change is not served again after the next change."""
    change(stored, "CREATE TABLE backup AS SELECT epoch FROM market_epoch")
    change(stored, REVISE, redis_url)
    with serving(stored, redis_url) as api:
        assert revision(api) == 1
        change(stored, "UPDATE market_epoch SET epoch = backup.epoch FROM backup")
        change(stored, "UPDATE bars SET revision = 7", redis_url)

        wait_until(lambda: revision(api) == 7)


def test_a_commit_that_was_not_published_is_seen_within_six_seconds(stored: str, redis_url: str) -> None:
    """The copy of the market version in Redis expires by itself where store could not publish the new one."""
    with serving(stored, redis_url) as api:
        assert revision(api) == 0
        change(stored, REVISE)
        committed = time.monotonic()

        wait_until(lambda: revision(api) == 1)
        assert time.monotonic() - committed < 12


def test_another_copy_finds_the_answer_in_redis(stored: str, redis_url: str) -> None:
    """A second copy of the function responds from Redis; its Postgres is unreachable."""
    with serving(stored, redis_url) as api:
        found = api.get("/latest").content
        wait_until_kept(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        key = redis_key(stored, "market:epoch")
        client.set(key, client.get(key) or 0, ex=60)
        identity = client.hget(IDENTITIES, database_address(stored)) or b""
        client.hset(IDENTITIES, database_address(GONE), identity)

    with serving(GONE, redis_url) as api:
        answer = api.get("/latest")

    assert answer.content == found
    assert "x-stale" not in answer.headers


def counting(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[str]:
    """A list that grows with every call of a select function."""
    calls: list[str] = []
    select = getattr(module, name)

    async def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(name)
        return await select(*arguments, **options)

    monkeypatch.setattr(module, name, counted)
    return calls


def in_process(
    monkeypatch: pytest.MonkeyPatch,
    copies: int,
    work: Callable[[list[httpx.AsyncClient]], Awaitable[Any]],
    **settings: str,
) -> Any:
    """Return the result of *work* with one client for each of *copies* instances of api in this process."""
    for name, value in {**UNLIMITED, **settings}.items():
        monkeypatch.setenv(name, value)

    async def run() -> Any:
        apps = [create_asgi_app("api", str(ROOT / "functions/api/main.py"), "http") for _ in range(copies)]
        return await work(
            [httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") for app in apps]
        )

    return asyncio.run(run())


def test_fifty_at_once_are_one_query(monkeypatch: pytest.MonkeyPatch, stored: str, redis_url: str) -> None:
    """Fifty requests of five callers that meet empty caches query Postgres once."""
    calls = counting(monkeypatch, functions.api.latest, "select_latest")

    async def work(clients: list[httpx.AsyncClient]) -> list[httpx.Response]:
        headers = [{"X-Forwarded-For": f"192.0.2.{number % 5}"} for number in range(50)]
        return await asyncio.gather(*(clients[0].get("/latest", headers=one) for one in headers))

    answers = in_process(monkeypatch, 1, work, DATABASE_URL=stored, REDIS_URL=redis_url)

    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.content for answer in answers}) == 1
    assert len(calls) == 1


def test_the_same_question_in_other_words_is_one_query(
    monkeypatch: pytest.MonkeyPatch, stored: str, redis_url: str
) -> None:
    """The order of parameters and tickers, capitals and the spelling of a time do not matter to the cache."""
    calls = counting(monkeypatch, functions.api.ohlc, "select_bars")

    async def work(clients: list[httpx.AsyncClient]) -> list[bytes]:
        return [
            (await clients[0].get(path)).content
            for path in (
                "/ohlc?tickers=AAPL,MSFT&start=2026-11-20T14:30:00Z",
                "/ohlc?start=1795185000&tickers=msft,AAPL,aapl&order=asc&interval=1h&format=json",
            )
        ]

    one, other = in_process(monkeypatch, 1, work, DATABASE_URL=stored, REDIS_URL=redis_url)

    assert one == other
    assert len(calls) == 1


def test_a_slow_answer_does_not_replace_a_newer_one(
    monkeypatch: pytest.MonkeyPatch, stored: str, redis_url: str
) -> None:
    """A response read before a commit and sent after it serves the requests of that moment and no later one."""
    select, slowly, read, go_on = functions.api.latest.select_latest, [True], asyncio.Event(), asyncio.Event()

    async def select_slowly(connection: psycopg.AsyncConnection, tickers: Any) -> Any:
        rows = await select(connection, tickers)
        if slowly and slowly.pop():
            read.set()
            await go_on.wait()
        return rows

    async def work(clients: list[httpx.AsyncClient]) -> list[int]:
        async def ask() -> int:
            return (await clients[0].get("/latest")).json()["items"][0]["revision"]

        early = asyncio.create_task(ask())
        await read.wait()
        change(stored, REVISE, redis_url)
        await asyncio.sleep(1.1 * CHECK_SECONDS)
        late = await ask()
        go_on.set()
        return [await early, late, await ask(), await ask()]

    monkeypatch.setattr(functions.api.latest, "select_latest", select_slowly)

    assert in_process(monkeypatch, 1, work, DATABASE_URL=stored, REDIS_URL=redis_url) == [0, 1, 1, 1]


def test_what_was_not_found_is_not_kept(stored: str, redis_url: str) -> None:
    """A 404 is not remembered: a ticker that is added is there within a second."""
    with serving(stored, redis_url) as api:
        api.get("/tickers/NEW", 404)
        api.get("/ohlc/NEW", 404)
        change(stored, "INSERT INTO tickers (ticker, name) VALUES ('NEW', 'New Inc.')", redis_url)

        wait_until(lambda: api.client.get("/ohlc/NEW").status_code == 200)
        assert api.json("/tickers/NEW")["name"] == "New Inc."


def test_a_busy_hour_is_not_an_outage(stored: str, redis_url: str) -> None:
    """Many different questions at once wait for the few connections in turn: all are answered."""
    with serving(stored, redis_url, DATABASE_CONNECTIONS="2") as api, ThreadPoolExecutor(6) as pool:
        statuses = list(
            pool.map(lambda n: api.client.get(f"/ohlc?limit={n % 50 + 1}&end={1795206600 + n}").status_code, range(100))
        )

    assert set(statuses) == {200}


def test_readers_write_nothing(stored: str, redis_url: str) -> None:
    """Every endpoint works for a role that may only read."""
    with psycopg.connect(stored) as connection:
        connection.execute("ALTER DATABASE " + stored.rsplit("/", 1)[1] + " SET default_transaction_read_only = on")  # pyright: ignore[reportArgumentType, reportCallIssue]

    with serving(stored, redis_url) as api:
        for path in (
            "/tickers",
            "/tickers/AAPL",
            "/latest",
            "/ohlc",
            "/ohlc/AAPL?interval=1w",
            "/movers",
            "/coverage",
            "/status",
        ):
            api.get(path)
