"""Two installations beside one Redis: neither sees, counts or evicts what is of the other."""

import json

import psycopg
import pytest
import redis

from shared.connections.redis import IDENTITIES
from tests.accounts import bearer, serving_tokens
from tests.api.asking import wait_until_kept
from tests.conftest import new_database
from tests.reading import Bar, at, change, put, redis_key, serving
from tests.waiting import wait_until


@pytest.fixture
def other_database(postgres_server: str):
    """The database of a second installation, with the schema and one bar."""
    from functions.store.migrate import migrate

    with new_database(postgres_server) as url:
        migrate(url, tickers=["NKE"])
        put(url, [Bar("NKE", at("2026-11-20 20:30"), "77")])
        yield url


def test_neither_serves_the_data_of_the_other(database_url: str, other_database: str, redis_url: str) -> None:
    """Each lists its own tickers, and a revision of one reaches it alone, also under the same market version."""
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30"))])
    for url in (database_url, other_database):
        change(url, "SELECT 1")
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE market_epoch SET epoch = 9999999999999")

    with serving(database_url, redis_url) as first:
        before = first.get("/latest").content
        wait_until_kept(redis_url)
        with serving(other_database, redis_url) as second:
            wait_until(lambda: second.items("/latest")[0]["ticker"] == "NKE")
            assert [item["ticker"] for item in second.items("/latest")] == ["NKE"]
            assert [item["ticker"] for item in second.items("/tickers")] == ["NKE"]
            with redis.Redis.from_url(redis_url) as client:
                wait_until(lambda: client.hlen(IDENTITIES) == 2)
        assert first.get("/latest").content == before

    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        strays = [key for key in client.keys("*") if not str(key).startswith("stocksalot:")]
        noted = set(client.hvals(IDENTITIES))
    assert (strays, len(noted)) == ([], 2)


def test_limits_and_tokens_are_counted_apart(database_url: str, other_database: str, redis_url: str) -> None:
    """Requests counted by the first leave the second's limit whole; its token opens only its own."""
    with (
        serving_tokens(database_url, redis_url) as tokens,
        serving(database_url, redis_url, now=None, RATE_LIMIT_ANONYMOUS="50") as first,
        serving(other_database, redis_url, now=None, RATE_LIMIT_ANONYMOUS="50") as second,
    ):
        token = tokens.person("a").token
        opens = [api.client.get("/status", headers=bearer(token)).status_code for api in (first, second)]
        first_left = [first.client.get("/status").headers.get("ratelimit") for _ in range(40)][-1]
        second_left = second.client.get("/status").headers["ratelimit"]

    assert opens == [200, 401]
    assert int(first_left.split("r=")[1].split(";")[0]) < 15
    assert int(second_left.split("r=")[1].split(";")[0]) > 40


def test_credits_of_the_same_key_are_one_budget(database_url: str, other_database: str, redis_url: str) -> None:
    """A provider counts by API key: both installations show its credits, and each only its own keys."""
    with redis.Redis.from_url(redis_url) as client:
        client.set("credits:twelvedata:shared:day:2026-11-20", 5)
        client.set("credits:twelvedata:own:day:2026-11-20", 2)
        client.hset("credits:twelvedata:limits", mapping={"minute": 8, "day": 800})
        client.set(redis_key(database_url, "credit-keys"), json.dumps({"twelvedata": ["shared", "own"]}))
        client.set(redis_key(other_database, "credit-keys"), json.dumps({"twelvedata": ["shared"]}))

    used = []
    for url in (database_url, other_database):
        with serving(url, redis_url) as api:
            api.get("/status")
            wait_until(lambda api=api: api.json("/status")["providers"])
            used.append(api.json("/status")["providers"][0]["day"]["used"])
    assert used == [7, 5]
