"""Responses in Redis, bounded in bytes: the oldest make room, so that they never evict the counters beside them."""

import time
from collections import OrderedDict
from typing import Any

from shared.cache.cached_response import CachedResponse
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient

MAX_BYTES = 32 * 1024 * 1024
"""Of all functions and copies together: a quarter of the Redis that the manifests ask for."""
_KEPT_SECONDS = 24 * 3600
_REPEATED_WITHIN_SECONDS = 900
_MAX_SEEN = 4096

# KEYS: response, sizes by response, responses by time, total. ARGV: body, time, seconds to keep, most bytes.
_STORE = """
local function drop(key)
  redis.call('DECRBY', KEYS[4], redis.call('HGET', KEYS[2], key) or 0)
  redis.call('HDEL', KEYS[2], key)
  redis.call('ZREM', KEYS[3], key)
  redis.call('DEL', key)
end
drop(KEYS[1])
local total = redis.call('INCRBY', KEYS[4], #ARGV[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
redis.call('HSET', KEYS[2], KEYS[1], #ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[2], KEYS[1])
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[2] - ARGV[3], 'LIMIT', 0, 100)) do drop(key) end
while tonumber(redis.call('GET', KEYS[4])) > tonumber(ARGV[4]) do
  local oldest = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
  if not oldest then redis.call('SET', KEYS[4], 0) break end
  drop(oldest)
end
"""


class RedisResponses:
    """Responses that all copies share; a query with parameters enters when it is repeated."""

    def __init__(self, redis: RedisClient, prefix: str, max_bytes: int = MAX_BYTES) -> None:
        self._redis = redis
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._seen: OrderedDict[str, float] = OrderedDict()

    async def get(self, key: str, *, only_if_loaded: bool = False) -> CachedResponse | None:
        """Return the response under *key*; None when there is none or Redis does not respond."""
        try:
            found = await self._redis.run(lambda client: client.get(self._prefix + key), only_if_loaded=only_if_loaded)
        except UnavailableError:
            return None
        return CachedResponse.from_bytes(found) if found else None

    def put(self, key: str, response: CachedResponse, *, is_common: bool) -> None:
        """Store *response* in the background if its query is common, or was seen before within a quarter of an hour."""
        now = time.monotonic()
        seen_at = self._seen.pop(key, -_REPEATED_WITHIN_SECONDS)
        self._seen[key] = now
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        if is_common or now - seen_at < _REPEATED_WITHIN_SECONDS:
            self._redis.run_later(lambda client: self._store(client, key, response.to_bytes()))

    async def _store(self, client: Any, key: str, body: bytes) -> None:
        indexes = ("responses:sizes", "responses:times", "responses:total")
        arguments = (body, int(time.time()), _KEPT_SECONDS, self._max_bytes)
        await client.eval(_STORE, 1 + len(indexes), self._prefix + key, *indexes, *arguments)
