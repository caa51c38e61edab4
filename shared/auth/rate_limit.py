"""Rate limit by leases from counters that all copies share, renewed in the background so that few requests wait.

Before its lease is used up, a copy leases a hundredth of the requests left in the minute: Redis is queried a few times
a second for a busy caller, and the last requests of a minute are counted one by one. The first hundredth is admitted on
credit and reported right after, so that no first response waits. A copy that starts when others have used up the minute
admits that credit beyond the limit; leased and unused requests are lost to the others until the minute ends.
"""

import asyncio
import time
from typing import Protocol

from shared.http.problem import Problem

WINDOW_SECONDS = 60
_SHARE = 100
_MAX_LEASE = 1000
_MAX_LIMITS = 20_000
_MAX_COUNTERS = 20_000

RawHeaders = list[tuple[bytes, bytes]]


class Counters(Protocol):
    """Named counters that expire."""

    async def add(self, key: str, amount: int, seconds: int) -> int:
        """Return the count of *key* after adding *amount*; it expires *seconds* after its last use."""
        ...

    def load_now(self) -> None:
        """Load the dependencies of the first count without delay, since a request waits for it."""
        ...


class LocalCounters:
    """Counters in the memory of this process."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}

    async def add(self, key: str, amount: int, seconds: int) -> int:
        """Return the count of *key* after adding *amount*; it expires *seconds* after its last use."""
        now = time.monotonic()
        count, expires_at = self._counts.pop(key, (0, now))
        count = amount + (count if now < expires_at else 0)
        if len(self._counts) >= _MAX_COUNTERS:
            self._counts.pop(next(iter(self._counts)))  # the least recently used
        self._counts[key] = count, now + seconds
        return count

    def load_now(self) -> None:
        """Do nothing: there is nothing to load."""


class RateLimit:
    """Requests that one caller has left in the current minute, as far as this process has leased them."""

    __slots__ = ("_counters", "_ends_at", "_key", "_lease_task", "_leased", "_limit", "_policy", "_refill_at",
                 "_remaining", "_unreported", "_waiting", "_window")  # fmt: skip

    def __init__(self, counters: Counters, key: str, limit: int) -> None:
        self._counters = counters
        self._key = key
        self._limit = limit
        self._policy = (b"ratelimit-policy", b'"default";q=%d;w=%d' % (limit, WINDOW_SECONDS))
        self._lease_task: asyncio.Task[None] | None = None
        self._waiting = 0
        self._start_window(time.monotonic())

    def try_acquire(self, now: float) -> RawHeaders | None:
        """Count one request and return its rate limit headers; None without a lease.

        *now* is a reading of the monotonic clock. Every request calls this, so every line costs.
        """
        if now >= self._ends_at:
            self._start_window(now)
        if self._leased <= 0:
            return None
        self._leased -= 1
        if self._leased <= self._refill_at and self._lease_task is None:
            self._start_lease()
        return self.headers(now)

    async def acquire(self) -> RawHeaders:
        """Count one request and wait for a lease if necessary; Problem 429 when none is left."""
        while (headers := self.try_acquire(time.monotonic())) is None:
            self.check()
            self._counters.load_now()
            self._waiting += 1
            try:
                await asyncio.shield(self._lease_task or self._start_lease())
            finally:
                self._waiting -= 1
        return headers

    def check(self) -> None:
        """Raise Problem 429 when no request is known to be left."""
        now = time.monotonic()
        if self._refill_at < 0 and self._leased <= 0 and now < self._ends_at:
            raise self._refusal(now)

    def headers(self, now: float) -> RawHeaders:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers; other copies' leases count as used."""
        left = self._remaining + self._leased
        return [self._policy, (b"ratelimit", b'"default";r=%d;t=%d' % (left, max(self._ends_at - now, 0) + 0.999))]

    def _start_window(self, now: float) -> None:
        instant = time.time()
        self._window = int(instant // WINDOW_SECONDS)
        self._ends_at = now + WINDOW_SECONDS - instant % WINDOW_SECONDS
        self._leased = self._refill_at = self._unreported = max(self._limit // _SHARE, 1)
        self._remaining = self._limit - self._leased

    def _start_lease(self) -> asyncio.Task[None]:
        self._lease_task = asyncio.create_task(self._lease())
        return self._lease_task

    async def _lease(self) -> None:
        """Report the requests admitted on credit and lease more."""
        try:
            window, credit = self._window, max(self._limit // _SHARE, 1)
            lease = 0
            if not self._unreported or self._leased <= credit // 2:
                lease = max(min(self._remaining // _SHARE, _MAX_LEASE), self._waiting, 1)
            amount = self._unreported + lease
            count = await self._counters.add(f"{self._key}/{window}", amount, WINDOW_SECONDS)
            if window != self._window:
                return
            fits = min(max(self._limit - (count - amount), 0), amount)
            self._unreported = 0
            self._leased = max(self._leased + lease - (amount - fits), 0)
            self._remaining = max(self._limit - count, 0)
            self._refill_at = (lease or credit) // 2 if self._remaining else -1
        finally:
            self._lease_task = None

    def _refusal(self, now: float) -> Problem:
        seconds = int(self._ends_at - now + 0.999)
        return Problem(
            429,
            "too-many-requests",
            "Too many requests",
            f"The limit is {self._limit} requests a minute. Try again in {seconds} s.",
            headers={"Retry-After": f"{seconds}", **{name.decode(): text.decode() for name, text in self.headers(now)}},
            **{"violated-policies": ["default"]},
        )


class RateLimiter:
    """Rate limits by key; new ones replace the oldest."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._limits: dict[str, RateLimit] = {}

    def for_key(self, key: str, limit: int) -> RateLimit:
        """Return the rate limit of *key*: *limit* requests a minute."""
        found = self._limits.get(key)
        if found is None:
            if len(self._limits) >= _MAX_LIMITS:
                self._limits.pop(next(iter(self._limits)))
            found = self._limits[key] = RateLimit(self._counters, key, limit)
        return found
