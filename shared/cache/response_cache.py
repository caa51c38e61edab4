"""Response cache: process memory, then Redis, then Postgres; one query per key in flight.

A response is used again while the market version is the one it was made from and the clock has not passed its end.
Copies are stored for a day and marked stale when Postgres is down.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from time import monotonic

from shared.cache import cached_response
from shared.cache.cached_response import CachedResponse, CacheScope, PreparedResponse
from shared.cache.market_version import MarketVersion
from shared.cache.redis_responses import RedisResponses
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient
from shared.http.response_data import ResponseData
from shared.runtime import clock

_MEMORY_BYTES = 16 * 1024 * 1024
_LARGE_BYTES = 64 * 1024
"""Larger bodies are compressed in a thread, as it takes long enough to delay other requests."""
_PREPARED_SECONDS = 1.0
"""Seconds after which headers that count down are renewed."""


def code_version(code: Path) -> str:
    """Return a name for the version of the files beside *code* and of `CachedResponse`.

    It separates the responses of one version of a function from those of another.
    """
    digest = blake2b(digest_size=6)
    for file in (*sorted(code.parent.glob("*.py")), Path(cached_response.__file__)):
        digest.update(file.read_bytes())
    return f"{code.parent.name}:{digest.hexdigest()}:"


@dataclass(frozen=True, slots=True)
class CachedQuery:
    """A query in canonical form, and the function that runs it; UnavailableError when Postgres does not respond."""

    text: str
    run: Callable[[int], Awaitable[ResponseData]]
    """Called with the market version."""
    is_common: bool = True
    """Without parameters of the caller: such queries are few."""
    scope: CacheScope = CacheScope.ALL
    caller: Hashable = None
    """Caller to whom the bytes in Redis are charged."""


class ResponseCache:
    """Responses in the memory of this process, in front of those in Redis."""

    def __init__(self, redis: RedisClient, version: MarketVersion, prefix: str) -> None:
        """*prefix* begins the names in Redis: `code_version` of the function."""
        self._redis = RedisResponses(redis, prefix)
        self._version = version
        self._memory: OrderedDict[Hashable, tuple[PreparedResponse, float, int]] = OrderedDict()
        self._memory_bytes = 0
        self._queries: dict[tuple[str, int | None], asyncio.Task[CachedResponse]] = {}

    def reuse(self, key: Hashable, now: float) -> PreparedResponse | None:
        """Return the response in memory under *key* if it needs no check at *now* (monotonic), as for most requests."""
        if now >= self._version.known_until or (entry := self._memory.get(key)) is None:
            return None
        prepared, fresh_until, _ = entry
        return prepared if now < fresh_until and prepared.cached.version == self._version.known else None

    async def get(self, key: Hashable, query: CachedQuery) -> PreparedResponse:
        """Return the current response to *query*, or one marked stale; `reuse` then finds it under *key*.

        UnavailableError when Postgres is down and there is no copy; whatever *query.run* raises.
        """
        version = await self._version.get()
        entry = self._memory.get(key) or self._memory.get(query.text)
        cached = entry[0].cached if entry else None
        if cached is None or not cached.is_valid(version, clock.now()):
            cached = await self._find(query, version, cached)
        prepared = PreparedResponse(cached, clock.now(), query.scope)
        if cached.version == self._version.known and version is not None:  # else it is stale, or a newer one is there
            for name in {key, query.text}:
                self._remember(name, prepared)
        return prepared

    async def _find(self, query: CachedQuery, version: int | None, copy: CachedResponse | None) -> CachedResponse:
        """Return the response to *query*, computed once for all requests that wait for it; *copy* is an older one."""
        flight = (query.text, version)
        if flight not in self._queries:
            task = self._queries[flight] = asyncio.create_task(self._load(query, version))
            task.add_done_callback(partial(self._queries.pop, flight))
        try:
            return await asyncio.shield(self._queries[flight])
        except UnavailableError:
            copy = copy or await self._redis.get(_digest(query))
            if copy is None:
                raise
            return copy.as_stale()

    async def _load(self, query: CachedQuery, version: int | None) -> CachedResponse:
        digest = _digest(query)
        copy = await self._redis.get(digest, only_if_loaded=True)
        if copy and copy.is_valid(version, clock.now()):
            return copy
        if version is None:
            raise UnavailableError("Postgres")
        data = await query.run(version)
        is_large = len(data.body) >= _LARGE_BYTES
        cached = await asyncio.to_thread(CachedResponse, data, version) if is_large else CachedResponse(data, version)
        self._redis.put(digest, cached, is_common=query.is_common, caller=query.caller)
        return cached

    def _remember(self, key: Hashable, prepared: PreparedResponse) -> None:
        if before := self._memory.pop(key, None):
            self._memory_bytes -= before[2]
        parts = key if isinstance(key, tuple) else (key,)
        size = prepared.cached.size + sum(len(part) for part in parts if isinstance(part, bytes | str))
        self._memory[key] = (prepared, monotonic() + _PREPARED_SECONDS, size)
        self._memory_bytes += size
        while self._memory_bytes > _MEMORY_BYTES:
            self._memory_bytes -= self._memory.popitem(last=False)[1][2]


def _digest(query: CachedQuery) -> str:
    return blake2b(query.text.encode(), digest_size=16).hexdigest()
