"""Provider usage for /status, read from Redis at most every ten seconds."""

import time
from typing import Any

from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient
from shared.providers.credits import read_usage

_LIFETIME_SECONDS = 10


class ProviderUsage:
    """The last known usage of each provider's credits; none while Redis has never answered."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._usage: list[dict[str, object]] = []
        self.clock_offset: int | None = None
        """Seconds by which ingest's clock is ahead of a provider's: the largest difference, None for unknown."""
        self._read_at = -1e9

    async def read(self) -> list[dict[str, object]]:
        """Return the credits that each provider's keys have used this minute and day."""
        if time.monotonic() - self._read_at >= _LIFETIME_SECONDS:
            self._read_at = time.monotonic()
            try:
                self._usage, offsets = await self._redis.run(self._load)
                self.clock_offset = max(map(int, offsets), key=abs, default=None)
            except UnavailableError:
                return self._usage
        return self._usage

    async def _load(self, client: Any) -> tuple[list[dict[str, object]], list[bytes]]:
        from shared.runtime.clock_check import PROVIDER_OFFSETS  # the first response does not need it

        usage = await read_usage(client, self._redis.identity)
        return usage, await client.hvals(self._redis.key(PROVIDER_OFFSETS))
