"""Responses in Redis: bounded in bytes, and only for queries that are common or repeated."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import redis

from shared.cache import redis_responses
from shared.cache.cached_response import CachedResponse
from shared.cache.redis_responses import RedisResponses
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.response_data import ResponseData
from shared.runtime.settings import DatabaseSettings, RedisSettings, Secret
from tests.reading import redis_key


def response(size: int) -> CachedResponse:
    """A response that takes about *size* bytes in Redis."""
    import os

    return CachedResponse(ResponseData(os.urandom(size), "application/octet-stream"), 1)


@pytest.fixture
def run(redis_url: str, database_url: str) -> Callable[[Callable[[RedisResponses], Awaitable[None]]], None]:
    """A function that runs work on responses with room for 100,000 bytes, and waits for what it writes."""

    def run(work: Callable[[RedisResponses], Awaitable[None]]) -> None:
        async def main() -> None:
            database = DatabaseSettings(database_url=Secret(database_url))
            client = RedisClient(RedisSettings(redis_url=Secret(redis_url)), PostgresClient(database))
            await work(RedisResponses(client, "test:", max_bytes=100_000))
            while client._background:
                await asyncio.gather(*client._background)

        asyncio.run(main())

    return run


def test_responses_take_no_more_than_their_room(run: Callable, redis_url: str, database_url: str) -> None:
    """Hundred responses of 10,000 bytes leave the newest nine, and a counter beside them stays."""

    async def fill(responses: RedisResponses) -> None:
        for number in range(100):
            responses.put(f"{number:03}", response(10_000), is_common=True)
            await asyncio.sleep(0)
        for number in range(100):
            responses.put(f"{number:03}", response(10_000), is_common=True)

    with redis.Redis.from_url(redis_url) as client:
        client.set("counter", 7)
        run(fill)

        keys = {name: redis_key(database_url, f"responses:{name}") for name in ("total", "times", "sizes")}
        assert client.get("counter") == b"7"
        assert len(client.keys("*:test:*")) == 9
        sizes = sum(client.memory_usage(key) or 0 for key in client.keys("*:test:*"))
        assert sizes <= 120_000
        assert int(client.get(keys["total"]) or 0) <= 100_000
        assert client.zcard(keys["times"]) == client.hlen(keys["sizes"]) == 9


def test_a_query_with_parameters_enters_when_it_is_repeated(run: Callable, redis_url: str) -> None:
    """A common query enters at once, another with its second response: thousand made-up ones take nothing."""

    async def ask(responses: RedisResponses) -> None:
        responses.put("common", response(10), is_common=True)
        for _ in range(2):
            responses.put("repeated", response(10), is_common=False)
        for number in range(1000):
            responses.put(f"made up {number}", response(10), is_common=False)

    run(ask)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert sorted(str(key).rpartition(":")[2] for key in client.keys("*:test:*")) == ["common", "repeated"]


def test_one_caller_adds_a_bounded_number_of_bytes(
    run: Callable, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated queries of one caller stop entering at its share; another caller's still enter."""
    monkeypatch.setattr(redis_responses, "_CALLER_BYTES", 35_000)

    async def ask(responses: RedisResponses) -> None:
        for caller in ("greedy", "other"):
            for number in range(6 if caller == "greedy" else 1):
                for _ in range(2):
                    responses.put(f"{caller}{number}", response(10_000), is_common=False, caller=caller)

    run(ask)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        names = sorted(str(key).rpartition(":")[2] for key in client.keys("*:test:*"))
    assert names == ["greedy0", "greedy1", "greedy2", "other0"]


@pytest.mark.parametrize(
    ("limit", "policy", "words"),
    [
        (0, "noeviction", "no memory limit"),
        (128 * 1024**2, "allkeys-lru", "maxmemory-policy allkeys-lru"),
        (8 * 1024**2, "volatile-lru", "8 MiB"),
        (128 * 1024**2, "volatile-lru", None),
        (128 * 1024**2, "noeviction", None),
    ],
)
def test_memory_settings_are_checked_once(
    run: Callable, redis_url: str, caplog: pytest.LogCaptureFixture, limit: int, policy: str, words: str | None
) -> None:
    """The first use of a Redis whose settings lose counters warns once; a second process does not."""

    async def use(responses: RedisResponses) -> None:
        await responses.get("x")

    with redis.Redis.from_url(redis_url) as client:
        before = client.config_get("maxmemory*")
        client.config_set("maxmemory", limit)
        client.config_set("maxmemory-policy", policy)
        try:
            for _ in range(2):
                run(use)
        finally:
            for name in ("maxmemory", "maxmemory-policy"):
                client.config_set(name, before[name])  # pyright: ignore[reportArgumentType]
    warnings = [message for message in caplog.messages if message.startswith("Redis ")]
    assert len(warnings) == (words is not None)
    assert words is None or words in warnings[0]
