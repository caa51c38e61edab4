"""How old an answer may be: the market epoch as this process last saw it, a moment ago."""

import asyncio
import time
from functools import partial

from shared.cache.market_version import publish_epoch, read_epoch, select_epoch
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient

SECONDS = 0.1
"""A new bar is seen this late at the most. Ten questions a second are nothing beside the requests that they serve."""
_PATIENCE_SECONDS = 2.0


class MarketVersionCache:
    """The market epoch, asked for ten times a second at the most however many want to know."""

    def __init__(self, postgres: PostgresClient, redis: RedisClient) -> None:
        self._postgres = postgres
        self._redis = redis
        self.known: int | None = None
        """The epoch as last seen."""
        self._asking: asyncio.Task[None] | None = None
        self.until = 0.0
        """Up to this reading of the monotonic clock, what was given under the epoch may be given again."""

    async def epoch(self) -> int | None:
        """Return the epoch as it was `SECONDS` ago at the most; None when neither Redis nor Postgres says."""
        if time.monotonic() >= self.until:
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask())
            await asyncio.shield(self._asking)
        return self.known

    async def _ask(self) -> None:
        asked_at = time.monotonic()
        try:
            copy = await self._from_redis(only_if_loaded=True)
            if copy is None:
                copy = await self._from_postgres()
            self.known = await self._from_redis() if copy is None else copy
        finally:
            # Counted from before the question: what happened after it may be missing in the answer.
            self.until = asked_at + SECONDS
            self._asking = None

    async def _from_redis(self, *, only_if_loaded: bool = False) -> int | None:
        try:
            return await self._redis.run(read_epoch, only_if_loaded=only_if_loaded)
        except UnavailableError:
            return None

    async def _from_postgres(self) -> int | None:
        try:
            epoch = await self._postgres.run(select_epoch, _PATIENCE_SECONDS)
        except UnavailableError:
            return None
        publish = partial(publish_epoch, epoch=epoch)
        try:
            return await self._redis.run(publish, only_if_loaded=True)
        except UnavailableError:
            self._redis.run_later(publish)
            return epoch
