"""Counters in Redis, shared by all copies of all functions; each process counts alone while Redis is away."""

import asyncio
from contextlib import suppress
from typing import Any

from shared.auth.counters import LocalCounters
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient

_LOAD_AFTER_SECONDS = 0.3
"""The client library costs a fifth of a first answer, so it loads after that unless a request waits for a count."""


class RedisCounters:
    """Named counters that expire."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._local = LocalCounters()
        self._wanted = asyncio.Event()
        self._delay: asyncio.Task[None] | None = None

    async def add(self, key: str, amount: int, seconds: int) -> int:
        """Return the count of *key* after adding *amount*; it expires *seconds* after its last use."""
        if self._delay is None:
            self._delay = asyncio.create_task(self._wait_until_wanted())
        await asyncio.shield(self._delay)

        async def count(client: Any) -> int:
            async with client.pipeline(transaction=True) as pipeline:
                pipeline.incrby(f"limit:{key}", amount)
                pipeline.expire(f"limit:{key}", seconds)
                return (await pipeline.execute())[0]

        try:
            return await self._redis.run(count)
        except UnavailableError:
            return await self._local.add(key, amount, seconds)

    def load_now(self) -> None:
        """Load the client library without delay: a request waits for a count."""
        self._wanted.set()

    async def _wait_until_wanted(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _LOAD_AFTER_SECONDS)
