"""Where answers are found: in this process, else in Redis, else in Postgres; and by one asker at a time.

An answer is given again while the market epoch is the one it was made under and the clock has not passed the instant at
which it alone changes the answer. Copies are kept for a day longer than they are true, marked stale when Postgres is
down and they are all there is.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from shared.cache.market_version_cache import MarketVersionCache
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient
from shared.http import response_data
from shared.http.problem import Problem
from shared.http.response_data import CachedResponse, ResponseData
from shared.runtime import clock

_MEMORY_BYTES = 16 * 1024 * 1024
_LARGE_BYTES = 64 * 1024
"""From here on compressing takes long enough to let others go on meanwhile."""
_KEPT_SECONDS = 24 * 3600
_LOCK_MILLISECONDS = 3000
_WAITS = 5
_WAIT_SECONDS = 0.2
"""Less than the time limit of the Redis client: waiting is no failure."""


def code_version(code: Path) -> str:
    """Return a name for the shape of the answers that the files beside *code* make, in the form that this one keeps.

    Another version of a function must not find the copies of this one.
    """
    digest = blake2b(digest_size=6)
    for file in (*sorted(code.parent.glob("*.py")), Path(__file__), Path(response_data.__file__)):
        digest.update(file.read_bytes())
    return f"{code.parent.name}:{digest.hexdigest()}:"


@dataclass(frozen=True, slots=True)
class CachedQuery:
    """What is asked, in one form however it was written, and who can find the answer in Postgres."""

    text: str
    find: Callable[[int], Awaitable[ResponseData]]
    """Given the market epoch; DownError when Postgres does not answer."""


class ResponseCache:
    """Both levels of kept answers."""

    def __init__(self, redis: RedisClient, freshness: MarketVersionCache, prefix: str) -> None:
        """*prefix* is what the names of all copies in Redis begin with: `shape_of` the function."""
        self._prefix = prefix
        self._redis = redis
        self._freshness = freshness
        self._memory: OrderedDict[str, CachedResponse] = OrderedDict()
        self._memory_bytes = 0
        self._searches: dict[tuple[str, int | None], asyncio.Task[CachedResponse]] = {}

    async def get(self, question: CachedQuery) -> CachedResponse:
        """Return the answer to *question*: a moment old at the most, or marked stale.

        Problem 503 when Postgres is down and no copy is left; whatever *question.find* raises.
        """
        epoch = await self._freshness.epoch()
        kept = self._memory.get(question.text)
        if kept and kept.holds(epoch, clock.now()):
            self._memory.move_to_end(question.text)
            return kept
        search = (question.text, epoch)
        if search not in self._searches:
            task = self._searches[search] = asyncio.create_task(self._search(question, epoch))
            task.add_done_callback(lambda _: self._searches.pop(search))
        return await asyncio.shield(self._searches[search])

    async def _search(self, question: CachedQuery, epoch: int | None) -> CachedResponse:
        key = self._prefix + blake2b(question.text.encode(), digest_size=16).hexdigest()
        copy = await self._from_redis(key, only_if_loaded=True)
        if copy is None or not copy.holds(epoch, clock.now()):
            try:
                if epoch is None:
                    raise UnavailableError("Postgres")
                return self._remember(question, await self._find_alone(question, key, epoch))
            except UnavailableError as error:
                copy = copy or self._memory.get(question.text) or await self._from_redis(key)
                if copy is None:
                    raise _unavailable() from error
                return copy.stale()
        return self._remember(question, copy)

    async def _find_alone(self, question: CachedQuery, key: str, epoch: int) -> CachedResponse:
        """Find the answer in Postgres while other copies of this function wait for it in Redis."""
        lock, done = f"{key}:{epoch}:lock", f"{key}:{epoch}:done"
        if not await self._lock(lock) and (copy := await self._wait_for_other(key, done, epoch)):
            return copy
        entry = None
        try:
            entry = await _packed(await question.find(epoch), epoch)
            return entry
        finally:
            await self._publish(key, entry, lock, done)

    async def _from_redis(self, key: str, *, only_if_loaded: bool = False) -> CachedResponse | None:
        try:
            kept = await self._redis.run(lambda client: client.get(key), only_if_loaded=only_if_loaded)
            return CachedResponse.from_bytes(kept) if kept else None
        except UnavailableError:
            return None

    async def _lock(self, lock: str) -> bool:
        try:
            return await self._redis.run(
                lambda client: client.set(lock, b"1", nx=True, px=_LOCK_MILLISECONDS), only_if_loaded=True
            )
        except UnavailableError:
            return True

    async def _wait_for_other(self, key: str, done: str, epoch: int) -> CachedResponse | None:
        """Return what the copy that holds the lock finds; None when it takes too long."""
        try:
            for _ in range(_WAITS):
                # A list of one, moved onto itself: it wakes every waiter, one after the other.
                if await self._redis.run(
                    lambda client: client.execute_command("BLMOVE", done, done, "LEFT", "LEFT", _WAIT_SECONDS)
                ):
                    break
        except UnavailableError:
            return None
        copy = await self._from_redis(key)
        return copy if copy and copy.holds(epoch, clock.now()) else None

    async def _publish(self, key: str, entry: CachedResponse | None, lock: str, done: str) -> None:
        async def publish(client: Any) -> None:
            async with client.pipeline(transaction=False) as together:
                if entry is not None:
                    together.set(key, entry.to_bytes(), ex=_KEPT_SECONDS)
                together.lpush(done, b"1")
                together.pexpire(done, _LOCK_MILLISECONDS)
                together.delete(lock)
                await together.execute()

        try:
            await self._redis.run(publish, only_if_loaded=True)
        except UnavailableError:  # others find it themselves until then
            self._redis.run_later(publish)

    def _remember(self, question: CachedQuery, entry: CachedResponse) -> CachedResponse:
        if before := self._memory.pop(question.text, None):
            self._memory_bytes -= before.size
        self._memory[question.text] = entry
        self._memory_bytes += entry.size
        while self._memory_bytes > _MEMORY_BYTES:
            self._memory_bytes -= self._memory.popitem(last=False)[1].size
        return entry


async def _packed(answer: ResponseData, epoch: int) -> CachedResponse:
    if len(answer.body) < _LARGE_BYTES:
        return CachedResponse(answer, epoch)
    return await asyncio.to_thread(CachedResponse, answer, epoch)


def _unavailable() -> Problem:
    return Problem(
        503,
        "database-unavailable",
        "Data unavailable",
        "The database does not answer, and no earlier answer to this question is kept. Try again in a few seconds.",
        headers={"Retry-After": "5"},
    )
