"""How often one may ask: counted by `limits` in Redis for all copies together, leased so that few requests wait for it.

A copy leases a hundredth of what is left in the window, in the background, before it runs out of the last lease: so
it asks Redis a few times a second for a busy caller, and the last requests of a window are counted one by one. The
first hundredth is admitted on credit and charged right after, so that no first answer waits for a count. When a copy
starts in a window that others have used up, that credit is what it admits beyond the limit; what it leases and does not
need is lost to the others until the window ends.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient
from shared.http.problem import Problem

WINDOW_SECONDS = 60
_SHARE = 100
_LARGEST_LEASE = 1000
_PATIENCE_SECONDS = 0.3
_CALLERS_AT_MOST = 20_000

RawHeaders = list[tuple[bytes, bytes]]


class Counters:
    """Counters that all copies share; while Redis is away, each process has its own."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._loading: asyncio.Task[Any] | None = None
        self._wanted = asyncio.Event()
        self._storage: Any = None

    async def add(self, name: str, amount: int, seconds: int) -> int:
        """Return the count of *name* after adding *amount* to it; it is forgotten *seconds* after its first use."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        own = await asyncio.shield(self._loading)
        try:
            return await self._redis.run(lambda client: self._shared(client).incr(name, seconds, amount))
        except UnavailableError:
            return await own.incr(name, seconds, amount)

    def hurry(self) -> None:
        """Tell that somebody waits for a count."""
        self._wanted.set()

    async def _load(self) -> Any:
        """Import the library in a thread, not before the first answer is on its way: it costs a fifth of that.

        Return the counters of this process alone.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _PATIENCE_SECONDS)
        return await asyncio.to_thread(_own_storage)

    def _shared(self, client: Any) -> Any:
        if self._storage is None:
            from limits.aio.storage import RedisStorage

            # Our client's connections: they have its time limits.
            pool = client.connection_pool
            self._storage = RedisStorage("redis://", implementation="redispy", connection_pool=pool)
        return self._storage


class RateLimit:
    """What one caller may still ask in this minute, as far as this process has leased it."""

    __slots__ = ("_asking", "_counts", "_ends", "_left", "_limit", "_low", "_name", "_owed", "_policy", "_rest",
                 "_waiting", "_window")  # fmt: skip

    def __init__(self, counts: Counters, name: str, limit: int) -> None:
        self._counts = counts
        self._name = name
        self._limit = limit
        self._policy = (b"ratelimit-policy", b'"default";q=%d;w=%d' % (limit, WINDOW_SECONDS))
        self._asking: asyncio.Task[None] | None = None
        self._waiting = 0
        self._begin(time.monotonic())

    def over(self, now: float) -> bool:
        """Tell whether its window has ended, so that nothing is lost when it is forgotten."""
        return now >= self._ends

    def take(self, now: float) -> RawHeaders | None:
        """Count one request and return the header lines that say what is left; None when nothing is leased.

        *now* is a reading of the monotonic clock. Every request comes here: every line costs all of them.
        """
        if now >= self._ends:
            self._begin(now)
        if self._left <= 0:
            return None
        self._left -= 1
        if self._left <= self._low and self._asking is None:
            self._ask()
        return self.lines(now)

    async def admit(self) -> RawHeaders:
        """Do the same, waiting for a lease if need be; Problem 429 when nothing is left."""
        while (lines := self.take(time.monotonic())) is None:
            self.check()
            self._counts.hurry()
            self._waiting += 1
            try:
                await asyncio.shield(self._asking or self._ask())
            finally:
                self._waiting -= 1
        return lines

    def check(self) -> None:
        """Problem 429 when it is known that nothing is left."""
        now = time.monotonic()
        if self._low < 0 and self._left <= 0 and now < self._ends:
            raise self._refusal(now)

    def lines(self, now: float) -> RawHeaders:
        """Return the header lines of draft-ietf-httpapi-ratelimit-headers; what other copies have leased is gone."""
        left = self._rest + self._left
        return [self._policy, (b"ratelimit", b'"default";r=%d;t=%d' % (left, max(self._ends - now, 0) + 0.999))]

    def _begin(self, now: float) -> None:
        instant = time.time()
        self._window = int(instant // WINDOW_SECONDS)
        self._ends = now + WINDOW_SECONDS - instant % WINDOW_SECONDS
        self._left = self._low = self._owed = max(self._limit // _SHARE, 1)
        self._rest = self._limit - self._left

    def _ask(self) -> asyncio.Task[None]:
        self._asking = asyncio.create_task(self._settle())
        return self._asking

    async def _settle(self) -> None:
        """Charge what was admitted on credit and lease more."""
        try:
            window, credit = self._window, max(self._limit // _SHARE, 1)
            lease = 0
            if not self._owed or self._left <= credit // 2:
                lease = max(min(self._rest // _SHARE, _LARGEST_LEASE), self._waiting, 1)
            amount = self._owed + lease
            count = await self._counts.add(f"{self._name}/{window}", amount, WINDOW_SECONDS)
            if window != self._window:
                return
            fits = min(max(self._limit - (count - amount), 0), amount)
            self._owed = 0
            self._left = max(self._left + lease - (amount - fits), 0)
            self._rest = max(self._limit - count, 0)
            self._low = (lease or credit) // 2 if self._rest else -1
        finally:
            self._asking = None

    def _refusal(self, now: float) -> Problem:
        seconds = int(self._ends - now + 0.999)
        return Problem(
            429,
            "too-many-requests",
            "Too many requests",
            f"{self._limit} requests a minute are served here. Try again in {seconds} s.",
            headers={"Retry-After": f"{seconds}", **{name.decode(): value.decode() for name, value in self.lines(now)}},
            **{"violated-policies": ["default"]},
        )


class RateLimiter:
    """The quotas of all who have asked lately."""

    def __init__(self, counts: Counters) -> None:
        self._counts = counts
        self._quotas: dict[str, RateLimit] = {}

    def of(self, name: str, limit: int) -> RateLimit:
        """Return the quota of *name*: *limit* requests a minute."""
        quota = self._quotas.get(name)
        if quota is None:
            if len(self._quotas) >= _CALLERS_AT_MOST:
                self._forget()
            quota = self._quotas[name] = RateLimit(self._counts, name, limit)
        return quota

    def _forget(self) -> None:
        now = time.monotonic()
        self._quotas = {name: quota for name, quota in self._quotas.items() if not quota.over(now)}
        if len(self._quotas) >= _CALLERS_AT_MOST:  # as many within a minute: some are admitted on credit once more
            self._quotas.clear()


def _own_storage() -> Any:
    from limits.aio.storage import MemoryStorage

    return MemoryStorage()
