"""Counters of one process that expire: the fallback while Redis is away, and enough for functions without Redis."""

import time
from typing import Protocol

_MAX_COUNTERS = 20_000


class Counters(Protocol):
    """Named counters that expire."""

    async def add(self, key: str, amount: int, seconds: int) -> int:
        """Return the count of *key* after adding *amount*; it expires *seconds* after its last use."""
        ...

    def load_now(self) -> None:
        """Load what the first count needs without delay: a request waits for it."""
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
        """Nothing is loaded late here."""
