"""Responses in Redis, limited in bytes: the oldest are dropped, so that they never evict the counters beside them."""

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from shared.cache.cached_response import CachedResponse
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient

MAX_BYTES = 32 * 1024 * 1024
"""Limit of all functions and copies together: a quarter of the memory of Redis in the manifests."""
_KEPT_SECONDS = 24 * 3600
_REPEATED_WITHIN_SECONDS = 900
_MAX_SEEN = 4096
_CALLER_BYTES = 2 * 1024 * 1024
_CALLER_SECONDS = 900
"""Bytes that one caller's queries may add in a quarter of an hour, so that they do not evict all others."""

# KEYS: response, sizes by response, responses by time, total. ARGV: body, seconds to keep, most bytes.
# By the clock of Redis, so that a wrong clock of a copy does not decide which is the oldest.
_STORE = """
local now = tonumber(redis.call('TIME')[1])
local function drop(key)
  redis.call('DECRBY', KEYS[4], redis.call('HGET', KEYS[2], key) or 0)
  redis.call('HDEL', KEYS[2], key)
  redis.call('ZREM', KEYS[3], key)
  redis.call('DEL', key)
end
drop(KEYS[1])
local total = redis.call('INCRBY', KEYS[4], #ARGV[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], KEYS[1], #ARGV[1])
redis.call('ZADD', KEYS[3], now, KEYS[1])
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[2], 'LIMIT', 0, 100)) do drop(key) end
while tonumber(redis.call('GET', KEYS[4])) > tonumber(ARGV[3]) do
  local oldest = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
  if not oldest then redis.call('SET', KEYS[4], 0) break end
  drop(oldest)
end
"""


class RedisResponses:
    """Responses that all copies share; a query with parameters is stored once it is repeated."""

    def __init__(self, redis: RedisClient, prefix: str, max_bytes: int = MAX_BYTES) -> None:
        self._redis = redis
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._added: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()
        """Bytes of each caller, and the reading of the monotonic clock at which the count restarts."""

    async def get(self, key: str, *, only_if_loaded: bool = False) -> CachedResponse | None:
        """Return the response under *key*; None when there is none or Redis does not respond."""
        try:
            found = await self._redis.run(
                lambda client: client.get(self._redis.key(self._prefix + key)), only_if_loaded=only_if_loaded
            )
        except UnavailableError:
            return None
        return CachedResponse.from_bytes(found) if found else None

    def put(self, key: str, response: CachedResponse, *, is_common: bool, caller: Hashable = None) -> None:
        """Store *response* in the background if its query is common.

        Others are stored when they were requested within the last quarter of an hour and *caller* has room left.
        """
        now = time.monotonic()
        seen_at = self._seen.pop(key, -_REPEATED_WITHIN_SECONDS)
        self._seen[key] = now
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        is_repeated = now - seen_at < _REPEATED_WITHIN_SECONDS
        if is_common or (is_repeated and self._has_room(caller, len(response.gzipped or response.data.body), now)):
            self._redis.run_later(lambda client: self._store(client, key, response.to_bytes()))

    def _has_room(self, caller: Hashable, size: int, now: float) -> bool:
        """Charge *size* bytes to *caller* and return True, unless they exceed its limit."""
        added, ends_at = self._added.pop(caller, (0, now))
        if now >= ends_at:
            added, ends_at = 0, now + _CALLER_SECONDS
        fits = added + size <= _CALLER_BYTES
        self._added[caller] = (added + size if fits else added), ends_at
        if len(self._added) > _MAX_SEEN:
            self._added.popitem(last=False)
        return fits

    async def _store(self, client: Any, key: str, body: bytes) -> None:
        names = (self._prefix + key, "responses:sizes", "responses:times", "responses:total")
        await client.eval(_STORE, len(names), *map(self._redis.key, names), body, _KEPT_SECONDS, self._max_bytes)
