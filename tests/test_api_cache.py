"""Kept answers: how old they may be, one query for many, and life without Redis or Postgres."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from functions_framework.aio import create_asgi_app

import functions.api.latest
import functions.api.ohlc
from functions.api.freshness import SECONDS
from functions.store.migrate import migrate
from knative.local.services.postgres import Postgres
from knative.local.services.redis import Redis
from tests.reading import ROOT, Api, Bar, at, change, put, serving
from tests.waiting import wait_until

REVISE = "UPDATE bars SET close = close + 0.01, revision = revision + 1"
GONE = "postgresql://postgres@127.0.0.1:1/none"


@pytest.fixture
def stored(database_url: str) -> str:
    """A database with two bars."""
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30")), Bar("MSFT", at("2026-11-20 20:30"))])
    return database_url


def revision(api: Api, path: str = "/latest") -> int:
    """The revision that an answer shows."""
    return api.items(path)[0]["revision"]


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


def test_a_commit_that_was_not_published_is_seen_within_six_seconds(stored: str, redis_url: str) -> None:
    """When store could not tell Redis, the copy of the epoch runs out by itself."""
    with serving(stored, redis_url) as api:
        assert revision(api) == 0
        change(stored, REVISE)
        committed = time.monotonic()

        wait_until(lambda: revision(api) == 1, 7)
        assert time.monotonic() - committed < 6.3


def test_another_copy_finds_the_answer_in_redis(stored: str, redis_url: str) -> None:
    """What one copy has found, another does not ask Postgres for: here it could not."""
    with serving(stored, redis_url) as api:
        found = api.get("/latest").content
    with redis.Redis.from_url(redis_url) as client:
        client.set("market:epoch", client.get("market:epoch") or 0, ex=60)

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
    """What *work* makes of clients of so many copies of api in this process."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    async def run() -> Any:
        apps = [create_asgi_app("api", str(ROOT / "functions/api/main.py"), "http") for _ in range(copies)]
        return await work(
            [httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") for app in apps]
        )

    return asyncio.run(run())


@pytest.mark.parametrize("copies", [1, 3])
def test_fifty_at_once_are_one_query(monkeypatch: pytest.MonkeyPatch, stored: str, redis_url: str, copies: int) -> None:
    """Fifty requests that meet empty caches, in one copy or spread over three, ask Postgres once."""
    calls = counting(monkeypatch, functions.api.latest, "select_latest")

    async def work(clients: list[httpx.AsyncClient]) -> list[httpx.Response]:
        return await asyncio.gather(*(clients[number % copies].get("/latest") for number in range(50)))

    answers = in_process(monkeypatch, copies, work, DATABASE_URL=stored, REDIS_URL=redis_url)

    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.content for answer in answers}) == 1
    assert len(calls) == 1


def test_the_same_question_in_other_words_is_one_query(
    monkeypatch: pytest.MonkeyPatch, stored: str, redis_url: str
) -> None:
    """The order of parameters and tickers, capitals and the spelling of a time do not matter to the cache."""
    calls = counting(monkeypatch, functions.api.ohlc, "select_oldest_bars")

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
    """What was read before a commit and arrives after it is given to who asked then, and to nobody else."""
    select, slowly, read, go_on = functions.api.latest.select_latest, [True], asyncio.Event(), asyncio.Event()

    async def select_slowly(connection: psycopg.AsyncConnection) -> Any:
        rows = await select(connection)
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
        await asyncio.sleep(1.1 * SECONDS)
        late = await ask()
        go_on.set()
        return [await early, late, await ask(), await ask()]

    monkeypatch.setattr(functions.api.latest, "select_latest", select_slowly)

    assert in_process(monkeypatch, 1, work, DATABASE_URL=stored, REDIS_URL=redis_url) == [0, 1, 1, 1]


def test_who_died_holding_the_lock_holds_up_nobody(stored: str, redis_url: str) -> None:
    """A copy waits a second for another that said it would answer, then answers itself."""
    with serving(stored, redis_url) as api:
        api.get("/latest")
        with redis.Redis.from_url(redis_url, decode_responses=True) as client:
            (done,) = client.keys("api:*:done")
            entry = str(done).removesuffix(":done").rpartition(":")[0]
            epoch = int(client.get("market:epoch") or 0) + 1
            client.set(f"{entry}:{epoch}:lock", "1", px=60_000)
        change(stored, REVISE, redis_url)

        wait_until(lambda: revision(api) == 1, 4)


def test_what_was_not_found_is_not_kept(stored: str, redis_url: str) -> None:
    """A 404 is not remembered: a ticker that is added is there within a second."""
    with serving(stored, redis_url) as api:
        api.get("/tickers/NEW", 404)
        api.get("/ohlc/NEW", 404)
        change(stored, "INSERT INTO tickers (ticker, name) VALUES ('NEW', 'New Inc.')", redis_url)

        wait_until(lambda: api.client.get("/ohlc/NEW").status_code == 200, 2)
        assert api.json("/tickers/NEW")["name"] == "New Inc."


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A private Redis, to be stopped."""
    server = Redis(tmp_path / "redis", os.environ, fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A private Postgres with the schema and two bars, to be stopped."""
    server = Postgres(tmp_path / "postgres", os.environ, fast=True)
    server.start()
    migrate(server.url)
    put(server.url, [Bar("AAPL", at("2026-11-20 20:30")), Bar("MSFT", at("2026-11-20 20:30"))])
    yield server
    server.stop()


def test_without_redis_answers_go_on(stored: str, own_redis: Redis) -> None:
    """Redis stops and returns: nothing is refused, commits are seen within a second, and Redis is used again."""
    with serving(stored, own_redis.url) as api:
        api.get("/latest")
        own_redis.stop()

        change(stored, REVISE)
        wait_until(lambda: revision(api) == 1, 2.5)
        change(stored, REVISE)
        wait_until(lambda: revision(api) == 2, 1.3)
        took = [api.get(path).elapsed.total_seconds() for path in ("/movers", "/ohlc/AAPL", "/coverage", "/status")]
        assert max(took) < 0.45, "no request waits for a Redis that is known to be down"

        own_redis.start()
        with redis.Redis.from_url(own_redis.url) as client:
            limits = itertools.count(1)
            wait_until(lambda: api.get(f"/ohlc/AAPL?limit={next(limits)}") and client.keys("api:*"), 8)


def test_a_start_without_redis_is_a_start(stored: str) -> None:
    """A copy that has never seen Redis answers from Postgres."""
    with serving(stored, "redis://127.0.0.1:1/0") as api:
        assert api.json("/latest")["count"] == 2


def test_a_redis_that_hangs_is_left_alone(stored: str, own_redis: Redis) -> None:
    """A Redis that accepts and never answers costs one request its time limit, not everyone for ever."""
    with serving(stored, own_redis.url) as api:
        api.get("/latest")
        os.kill(pid_of(own_redis), signal.SIGSTOP)
        try:
            time.sleep(1.0)  # until the epoch has to be asked for again
            first = api.get("/latest").elapsed.total_seconds()
            took = [api.get(f"/ohlc/AAPL?limit={n}").elapsed.total_seconds() for n in range(1, 6)]
        finally:
            os.kill(pid_of(own_redis), signal.SIGCONT)

    assert first < 3
    assert max(took) < 0.45


def pid_of(server: Redis | Postgres) -> int:
    """The process id of a private server."""
    process = server._process
    assert process is not None
    return process.pid


def test_without_postgres_kept_answers_are_marked_stale(own_postgres: Postgres, redis_url: str) -> None:
    """Postgres stops: what is kept is given with stale true; what is not, is 503; both are well after its return."""
    with serving(own_postgres.url, redis_url) as api:
        fresh = {path: api.get(path) for path in ("/latest", "/ohlc/AAPL", "/ohlc/MSFT?format=csv", "/tickers")}
        own_postgres.stop()

        wait_until(lambda: "x-stale" in api.get("/latest").headers, 9)
        stale = {path: api.get(path) for path in fresh}
        for path in ("/latest", "/ohlc/AAPL", "/tickers"):
            assert stale[path].content == fresh[path].content.replace(b'"stale":false', b'"stale":true')
            assert stale[path].content != fresh[path].content
            assert stale[path].headers["etag"] != fresh[path].headers["etag"]
        assert stale["/ohlc/MSFT?format=csv"].content == fresh["/ohlc/MSFT?format=csv"].content
        for answer in stale.values():
            assert answer.headers["x-stale"] == "true"
            assert "max-age=5," in answer.headers["cache-control"]
        missing = api.get("/movers", 503)
        assert missing.json()["type"] == "https://stocksalot.tech/problems/database-unavailable"
        assert int(missing.headers["retry-after"]) >= 1
        assert max(api.get("/latest").elapsed.total_seconds() for _ in range(20)) < 0.5

        own_postgres.start()
        wait_until(lambda: api.client.get("/movers").status_code == 200, 9)
        wait_until(lambda: "x-stale" not in api.get("/latest").headers, 3)
        assert api.get("/latest").content == fresh["/latest"].content


def test_a_fresh_copy_gives_stale_answers_from_redis(own_postgres: Postgres, redis_url: str) -> None:
    """A copy that starts while Postgres is down gives what others left in Redis, marked stale, and 503 for the rest."""
    with serving(own_postgres.url, redis_url) as api:
        fresh = api.get("/latest").content
    own_postgres.stop()
    with redis.Redis.from_url(redis_url) as client:
        client.delete("market:epoch")

    with serving(own_postgres.url, redis_url) as api:
        answer = api.get("/latest")
        api.get("/movers", 503)

    assert answer.headers["x-stale"] == "true"
    assert answer.content == fresh.replace(b'"stale":false', b'"stale":true')


def test_with_neither_the_process_gives_what_it_remembers(own_postgres: Postgres, own_redis: Redis) -> None:
    """Postgres and Redis both stop: what this process has given before it gives again, marked stale."""
    with serving(own_postgres.url, own_redis.url) as api:
        api.get("/latest")
        own_redis.stop()
        own_postgres.stop()

        wait_until(lambda: "x-stale" in api.client.get("/latest").headers, 9)
        assert api.json("/latest")["stale"] is True
        api.get("/movers", 503)


def test_a_postgres_that_hangs_is_not_waited_for(own_postgres: Postgres, redis_url: str) -> None:
    """A Postgres that accepts and never answers: kept answers come, marked stale, and all is well when it goes on."""
    with serving(own_postgres.url, redis_url) as api:
        api.get("/latest")
        stopped = [pid_of(own_postgres), *children(pid_of(own_postgres))]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: "x-stale" in api.get("/latest").headers, 20)
            assert api.get("/latest").elapsed.total_seconds() < 0.5
            assert api.client.get("/movers").status_code == 503
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: api.client.get("/movers").status_code == 200, 15)
        wait_until(lambda: "x-stale" not in api.get("/latest").headers, 5)


def children(pid: int) -> list[int]:
    """The process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_restart_of_postgres_costs_no_answer(own_postgres: Postgres, redis_url: str) -> None:
    """Its connections die with a restart; the next question opens new ones and nobody notices."""
    with serving(own_postgres.url, redis_url) as api:
        api.get("/latest")
        own_postgres.stop()
        own_postgres.start()
        change(own_postgres.url, REVISE, redis_url)

        wait_until(lambda: revision(api) == 1, 4)
        assert api.json("/movers")["stale"] is False


def test_a_busy_hour_is_not_an_outage(stored: str, redis_url: str) -> None:
    """Many different questions at once wait for the few connections in turn: all are answered."""
    with serving(stored, redis_url, DATABASE_CONNECTIONS="2") as api, ThreadPoolExecutor(16) as pool:
        statuses = list(
            pool.map(lambda n: api.client.get(f"/ohlc?limit={n % 50 + 1}&end={1795206600 + n}").status_code, range(200))
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
