"""Who a token speaks for: looked up in Redis, else in Postgres, believed for less than a second.

Redis keeps what Postgres said for an hour, and believes it for five seconds: what could not be told to Redis reaches a
reader after that. Older copies serve only while Postgres is away. A revoked token has a mark of its own there, which
wins over any copy, so that no slow reader can bring it back.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from shared.auth.token_format import keyed_hash
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_BELIEVED_SECONDS = 5
_KEPT_SECONDS = 3600
_MARKED_SECONDS = 2 * _KEPT_SECONDS
_USED_SECONDS = 90 * 24 * 3600


class Principal(msgspec.Struct, frozen=True):
    """A token that is valid: whose it is, what it may do, and its end in Unix seconds."""

    token_id: str
    user_id: str
    scopes: frozenset[str]
    expires: float


class _CachedToken(msgspec.Struct, frozen=True):
    """What Postgres said at an instant (Unix seconds); *principal* None: no such token is valid."""

    principal: Principal | None
    at: float


_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(_CachedToken).decode


class UnverifiableError(Exception):
    """Nobody can say now whether a token is valid."""


class TokenLookup:
    """Looks tokens up: at most one question to Redis and one to Postgres each."""

    def __init__(self, secret: str, redis: RedisClient, postgres: PostgresClient) -> None:
        self._secret = secret
        self._redis = redis
        self._postgres = postgres

    async def find(self, token: bytes) -> Principal | None:
        """Return whom *token*, which is whole, speaks for; None when it is not valid. UnverifiableError."""
        digest = keyed_hash(self._secret, token)
        copy = await self._from_redis(digest, only_if_loaded=True)
        if copy is None or abs(time.time() - copy.at) >= _BELIEVED_SECONDS:
            copy = await self._from_postgres(digest) or copy or await self._from_redis(digest)
        if copy is None:
            raise UnverifiableError
        principal = copy.principal
        return principal if principal and principal.expires > time.time() else None

    def used(self, principal: Principal) -> None:
        """Note in the background that a token was used now, where the function that owns the tokens finds it."""
        name, now = used_key(principal.token_id), int(time.time())
        self._redis.run_later(lambda client: client.set(name, now, ex=_USED_SECONDS))

    async def _from_redis(self, digest: str, *, only_if_loaded: bool = False) -> _CachedToken | None:
        """Return what Redis keeps of a token; None when it keeps nothing or does not answer."""
        names = _kept_key(digest), _revoked_key(digest)
        try:
            kept, revoked = await self._redis.run(lambda client: client.mget(*names), only_if_loaded=only_if_loaded)
            if revoked:
                return _CachedToken(None, time.time())
            return _decode(kept) if kept else None
        except (UnavailableError, msgspec.MsgspecError):  # the latter: kept by another version of this code
            return None

    async def _from_postgres(self, digest: str) -> _CachedToken | None:
        asked = time.time()
        try:
            copy = _CachedToken(
                await self._postgres.run(lambda connection: select_principal(connection, digest)), asked
            )
        except UnavailableError:
            return None
        if copy.principal:
            text = _encode(copy)
            self._redis.run_later(lambda client: client.set(_kept_key(digest), text, ex=_KEPT_SECONDS))
        return copy


async def mark_revoked(redis: RedisClient, digests: Sequence[str]) -> None:
    """Tell all copies of all functions at once that these tokens are no longer valid. DownError when Redis is away."""

    async def mark(client: Any) -> None:
        async with client.pipeline(transaction=False) as together:
            for digest in digests:
                together.set(_revoked_key(digest), b"1", ex=_MARKED_SECONDS)
                together.delete(_kept_key(digest))
            await together.execute()

    if digests:
        await redis.run(mark)


async def invalidate(redis: RedisClient, digest: str) -> None:
    """Have a token that was changed looked up anew. DownError when Redis is away."""
    await redis.run(lambda client: client.delete(_kept_key(digest)))


def used_key(token_id: str) -> str:
    """Return where Redis keeps when a token was last used, in Unix seconds, to the minute."""
    return f"token:used:{token_id}"


def _kept_key(digest: str) -> str:
    return f"token:kept:{digest}"


def _revoked_key(digest: str) -> str:
    return f"token:revoked:{digest}"


async def select_principal(connection: "AsyncConnection", digest: str) -> Principal | None:
    """Return whom the token with this keyed hash speaks for, None when there is none that is valid."""
    cursor = await connection.execute(
        """
        SELECT token_id::text,
               user_id::text,
               scopes,
               extract(epoch FROM expires_at)::double precision
          FROM tokens
         WHERE hash = decode(%(digest)s, 'hex')
           AND revoked_at IS NULL
           AND expires_at > now()
        """,
        {"digest": digest},
    )
    row = await cursor.fetchone()
    return Principal(row[0], row[1], frozenset(row[2]), row[3]) if row else None
