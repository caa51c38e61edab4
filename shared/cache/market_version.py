"""Market version: a number that grows with every change of market data, to validate cached responses.

The row in Postgres is authoritative, written in store's own transaction. Redis holds a copy for five seconds: a
reader sees a change at most that much later if the copy could not be written.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection

from shared.connections.circuit_breaker import UnavailableError
from shared.connections.pipeline import PendingResult
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient

if TYPE_CHECKING:
    from redis.asyncio import Redis

NAME = "market:epoch"
"""In Redis, within an installation."""
COPY_SECONDS = 5
CHECK_SECONDS = 0.1
"""Maximum delay of a new bar. Ten checks a second are negligible compared with the requests."""
_TIMEOUT_SECONDS = 2.0

# Two stores may commit in one order and publish in the other: the copy never decreases.
_PUBLISH = """
local copy = redis.call('GET', KEYS[1])
if copy and tonumber(copy) >= tonumber(ARGV[1]) then return copy end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""


class MarketVersion:
    """The market version as last known to this process, checked at most ten times a second for all requests."""

    def __init__(self, postgres: PostgresClient, redis: RedisClient) -> None:
        self._postgres = postgres
        self._redis = redis
        self._check: asyncio.Task[None] | None = None
        self.known: int | None = None
        """The last known version."""
        self.known_until = 0.0
        """Until this reading of the monotonic clock *known* needs no check."""

    async def get(self) -> int | None:
        """Return the version, at most `CHECK_SECONDS` old; None when neither Redis nor Postgres responds."""
        if time.monotonic() >= self.known_until:
            if self._check is None:
                self._check = asyncio.create_task(self._run_check())
            await asyncio.shield(self._check)
        return self.known

    async def _run_check(self) -> None:
        started_at = time.monotonic()
        try:
            version = await self._read_copy(only_if_loaded=True)
            if version is None:
                version = await self._select()
            self.known = await self._read_copy() if version is None else version
        finally:
            # From before the check, which may have missed later changes.
            self.known_until = started_at + CHECK_SECONDS
            self._check = None

    async def _read_copy(self, *, only_if_loaded: bool = False) -> int | None:
        try:
            copy = await self._redis.run(
                lambda client: client.get(self._redis.key(NAME)), only_if_loaded=only_if_loaded
            )
        except UnavailableError:
            return None
        return None if copy is None else int(copy)

    async def _select(self) -> int | None:
        try:
            version, installation = await self._postgres.run(select_version_and_installation, _TIMEOUT_SECONDS)
        except UnavailableError:
            return None
        self._redis.identify(installation)

        async def publish(client: Any) -> int:
            return await publish_market_version(client, self._redis.key(NAME), version)

        try:
            return await self._redis.run(publish, only_if_loaded=True)
        except UnavailableError:
            self._redis.run_later(publish)
            return version


async def raise_market_version(connection: AsyncConnection) -> int:
    """Raise the version within the caller's transaction, as its last statement: it locks the row until the commit."""
    return await (await send_raise_market_version(connection)).result()


async def send_raise_market_version(connection: AsyncConnection) -> PendingResult[int]:
    """Send the statement of `raise_market_version`; the caller reads the version later."""
    return PendingResult(await connection.execute("SELECT raise_epoch()"), lambda rows: rows[0][0])


async def select_version_and_installation(connection: AsyncConnection) -> tuple[int, str]:
    """Return the committed version, and the identity of its installation."""
    cursor = await connection.execute("SELECT epoch, installation.id::text FROM market_epoch CROSS JOIN installation")
    row = await cursor.fetchone()
    assert row is not None, "the migrations insert one row into each"  # noqa: S101
    return row[0], row[1]


async def publish_market_version(redis: "Redis", key: str, epoch: int) -> int:
    """Write the copy at *key* and return the newest version known. redis.RedisError when Redis is down."""
    return int(await redis.eval(_PUBLISH, 1, key, epoch, COPY_SECONDS))  # pyright: ignore[reportGeneralTypeIssues]
