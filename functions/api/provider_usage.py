"""Provider usage for /status, read from Redis at most every ten seconds."""

import time

from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient
from shared.providers.credits import read_usage

_LIFETIME_SECONDS = 10


class ProviderUsage:
    """The last known usage of each provider's credits; none while Redis has never answered."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._usage: list[dict[str, object]] = []
        self._read_at = -1e9

    async def read(self) -> list[dict[str, object]]:
        """Return what each provider's keys have used of this minute and day."""
        if time.monotonic() - self._read_at >= _LIFETIME_SECONDS:
            self._read_at = time.monotonic()
            try:
                self._usage = await self._redis.run(lambda client: read_usage(client, self._redis.identity))
            except UnavailableError:
                return self._usage
        return self._usage
