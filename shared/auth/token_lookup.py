"""Token look-up: Redis, then Postgres.

A result of Postgres stays in Redis for an hour and is used for five seconds; after that Postgres is queried again,
so that a revocation that did not reach Redis takes effect. Older results are used only while Postgres is down. A mark
for a revoked token in Redis overrides any cached result, so that no slow reader can restore it.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from shared.auth.token_format import keyed_hash
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_FRESH_SECONDS = 5
_CACHED_SECONDS = 3600
_MARKED_SECONDS = 2 * _CACHED_SECONDS
_USE_SECONDS = 90 * 24 * 3600
_MAX_USED = 200
"""Tokens of an account whose last use is stored: more than can be valid at once."""


class Principal(msgspec.Struct, frozen=True):
    """A valid token: its account, scopes, and end in Unix seconds."""

    token_id: str
    user_id: str
    scopes: frozenset[str]
    expires: float


class _CachedToken(msgspec.Struct, frozen=True):
    """Result of Postgres at an instant (Unix seconds); *principal* is None for an invalid token."""

    principal: Principal | None
    at: float


_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(_CachedToken).decode


class UnverifiableError(Exception):
    """Neither Redis nor Postgres can verify the token now."""


class TokenLookup:
    """Looks tokens up with at most one query to Redis and one to Postgres."""

    def __init__(
        self,
        secret: str,
        redis: RedisClient,
        postgres: PostgresClient,
        select: "Callable[[AsyncConnection, str], Awaitable[Principal | None]] | None" = None,
    ) -> None:
        """*select* queries Postgres for the principal by keyed hash; the default is `select_principal`."""
        self._secret = secret
        self._select = select or select_principal
        self._redis = redis
        self._postgres = postgres

    async def get(self, token: bytes) -> Principal | None:
        """Return the principal of the well-formed *token*, None when it is invalid; UnverifiableError."""
        digest = keyed_hash(self._secret, token)
        copy = await self._from_redis(digest, only_if_loaded=True)
        if copy is None or abs(time.time() - copy.at) >= _FRESH_SECONDS:
            copy = await self._from_postgres(digest) or copy or await self._from_redis(digest)
        if copy is None:
            raise UnverifiableError
        principal = copy.principal
        return principal if principal and principal.expires > time.time() else None

    def record_use(self, principal: Principal) -> None:
        """Record in the background that a token was used now, for the function that lists tokens."""
        now = int(time.time())

        async def record(client: Any) -> None:
            key = self._redis.key(used_name(principal.user_id))
            async with client.pipeline(transaction=False) as pipeline:
                pipeline.zadd(key, {principal.token_id: now})
                pipeline.zremrangebyrank(key, 0, -_MAX_USED - 1)
                pipeline.expire(key, _USE_SECONDS)
                await pipeline.execute()

        self._redis.run_later(record)

    async def _from_redis(self, digest: str, *, only_if_loaded: bool = False) -> _CachedToken | None:
        """Return the cached result; None when there is none or Redis does not answer."""
        names = _cached_name(digest), _revoked_name(digest)
        try:
            cached, revoked = await self._redis.run(
                lambda client: client.mget(*map(self._redis.key, names)), only_if_loaded=only_if_loaded
            )
            if revoked:
                return _CachedToken(None, time.time())
            return _decode(cached) if cached else None
        except (UnavailableError, msgspec.MsgspecError):  # the latter: cached by another version of this code
            return None

    async def _from_postgres(self, digest: str) -> _CachedToken | None:
        asked = time.time()
        try:
            copy = _CachedToken(await self._postgres.run(lambda connection: self._select(connection, digest)), asked)
        except UnavailableError:
            return None
        text = _encode(copy) if copy.principal else None
        self._redis.run_later(lambda client: _store(self._redis, client, digest, text))
        return copy


async def _store(redis: RedisClient, client: Any, digest: str, valid: bytes | None) -> None:
    """Cache the result of Postgres. An invalid token that Redis knows as a valid one is marked as revoked.

    Nothing is stored for one that Redis does not know, so that guesses do not fill it.
    """
    if valid is not None:
        await client.set(redis.key(_cached_name(digest)), valid, ex=_CACHED_SECONDS)
    elif await client.delete(redis.key(_cached_name(digest))):
        await client.set(redis.key(_revoked_name(digest)), b"1", ex=_MARKED_SECONDS)


async def mark_revoked(redis: RedisClient, digests: Sequence[str]) -> None:
    """Make tokens invalid at once in all copies of all functions; UnavailableError when Redis is down."""

    async def mark(client: Any) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for digest in digests:
                pipeline.set(redis.key(_revoked_name(digest)), b"1", ex=_MARKED_SECONDS)
                pipeline.delete(redis.key(_cached_name(digest)))
            await pipeline.execute()

    if digests:
        await redis.run(mark)


async def invalidate(redis: RedisClient, digest: str) -> None:
    """Drop the cached result of a token that was changed; UnavailableError when Redis is down."""
    await redis.run(lambda client: client.delete(redis.key(_cached_name(digest))))


def used_name(user_id: str) -> str:
    """Return the name in Redis of the last uses of an account's tokens: Unix seconds, to the minute, by id."""
    return f"token:used:{user_id}"


def _cached_name(digest: str) -> str:
    return f"token:cached:{digest}"


def _revoked_name(digest: str) -> str:
    return f"token:revoked:{digest}"


async def select_principal(connection: "AsyncConnection", digest: str) -> Principal | None:
    """Return the principal of the valid token with this keyed hash, None without one."""
    cursor = await connection.execute(
        """
        SELECT token_id::text,
               user_id::text,
               scopes,
               extract(epoch FROM expires_at)::double precision
          FROM tokens
         WHERE hash = decode(%(digest)s, 'hex')
           AND revoked_at IS NULL
           AND invalidated_at IS NULL
           AND expires_at > now()
        """,
        {"digest": digest},
    )
    row = await cursor.fetchone()
    return Principal(row[0], row[1], frozenset(row[2]), row[3]) if row else None
