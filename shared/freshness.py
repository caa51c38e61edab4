"""How old an answer may be: the market epoch as this process last saw it, a moment ago."""

import asyncio
import time
from functools import partial

from shared.epoch import publish_epoch, read_epoch, select_epoch
from shared.servers import DownError, Postgres, Redis

SECONDS = 0.1
"""A new bar is seen this late at the most. Ten questions a second are nothing beside the requests that they serve."""
_PATIENCE_SECONDS = 2.0


class Freshness:
    """The market epoch, asked for ten times a second at the most however many want to know."""

    def __init__(self, postgres: Postgres, redis: Redis) -> None:
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
            copy = await self._from_redis(at_once=True)
            if copy is None:
                copy = await self._from_postgres()
            self.known = await self._from_redis() if copy is None else copy
        finally:
            # Counted from before the question: what happened after it may be missing in the answer.
            self.until = asked_at + SECONDS
            self._asking = None

    async def _from_redis(self, *, at_once: bool = False) -> int | None:
        try:
            return await self._redis.ask(read_epoch, at_once=at_once)
        except DownError:
            return None

    async def _from_postgres(self) -> int | None:
        try:
            epoch = await self._postgres.ask(select_epoch, _PATIENCE_SECONDS)
        except DownError:
            return None
        publish = partial(publish_epoch, epoch=epoch)
        try:
            return await self._redis.ask(publish, at_once=True)
        except DownError:
            self._redis.tell(publish)
            return epoch
