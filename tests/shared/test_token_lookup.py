"""Token look-up: what Postgres has denied stays denied while Postgres is down."""

import asyncio

import psycopg
import pytest
import redis

from shared.auth import token_lookup
from shared.auth.token_format import keyed_hash, new_token
from shared.auth.token_lookup import TokenLookup
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.runtime.settings import DatabaseSettings, RedisSettings, Secret
from tests.waiting import wait_until

SECRET = "a secret of the tests alone, of no other use"


def insert_token(database_url: str) -> str:
    """A valid token of a new account."""
    token = new_token()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """
            WITH account AS (INSERT INTO users (email, password_hash)
                                  VALUES ('a@example.com', '$argon2id$') RETURNING user_id)
            INSERT INTO tokens (user_id, hash, name, scopes, expires_at)
                 SELECT user_id, decode(%s, 'hex'), 'a', '{read}', now() + interval '1 day' FROM account
            """,
            [keyed_hash(SECRET, token.encode())],
        )
    return token


@pytest.mark.parametrize("statement", ["DELETE FROM users", "UPDATE tokens SET revoked_at = now()"])
def test_a_denied_token_stays_denied(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """A token that Redis knows as valid, and that Postgres then denies, is invalid when Postgres is down."""
    monkeypatch.setattr(token_lookup, "_FRESH_SECONDS", 0)
    token = insert_token(database_url).encode()
    digest = keyed_hash(SECRET, token)

    async def look_up(url: str) -> bool:
        settings = DatabaseSettings(database_url=Secret(url))
        postgres = PostgresClient(settings)
        postgres.address = "the same"
        cache = RedisClient(RedisSettings(redis_url=Secret(redis_url)), postgres)
        await cache.run(lambda client: client.ping())
        lookup = TokenLookup(SECRET, cache, postgres)
        valid = await lookup.get(token) is not None
        await asyncio.gather(*cache._background)
        return valid

    with redis.Redis.from_url(redis_url) as client:
        before = asyncio.run(look_up(database_url))
        wait_until(lambda: client.keys(f"*:token:cached:{digest}"))
        with psycopg.connect(database_url) as connection:
            connection.execute(statement.encode())
        denied = asyncio.run(look_up(database_url))
        during_the_outage = asyncio.run(look_up("postgresql://postgres@127.0.0.1:1/none"))

    assert (before, denied, during_the_outage) == (True, False, False)


def test_guesses_leave_nothing_in_redis(database_url: str, redis_url: str) -> None:
    """A well-formed token that never existed is not cached."""

    async def look_up() -> None:
        settings = DatabaseSettings(database_url=Secret(database_url))
        postgres = PostgresClient(settings)
        cache = RedisClient(RedisSettings(redis_url=Secret(redis_url)), postgres)
        lookup = TokenLookup(SECRET, cache, postgres)
        await lookup.get(new_token().encode())
        await asyncio.gather(*cache._background)

    asyncio.run(look_up())

    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("*:token:*") == []
