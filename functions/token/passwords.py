"""Password hashing with argon2id: a bounded number at a time, equally slow for unknown accounts."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, TypeVar

from shared.http.problem import Problem

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TIME_COST, MEMORY_KIB, PARALLELISM = 3, 64 * 1024, 1
"""Second recommendation of RFC 9106, in one lane: a pod has one core, so more lanes would only help attackers."""
_CONCURRENCY = 2
"""128 MiB in all, of the 256 that a pod has."""
_MAX_QUEUE = 30
"""About three seconds."""

T = TypeVar("T")


class Passwords:
    """Hashes and verifies passwords; callers hold a slot in its queue."""

    def __init__(self) -> None:
        self._workers = asyncio.Semaphore(_CONCURRENCY)
        self._queued = 0
        self._unknown = _random_hash()

    @asynccontextmanager
    async def queue(self) -> AsyncIterator[None]:
        """Hold a slot in the queue; Problem 503 when it is full."""
        if self._queued >= _MAX_QUEUE:
            detail = "Too many passwords are being checked at the moment. Try again in 3 s."
            raise Problem(503, "busy", "Busy", detail, headers={"Retry-After": "3"})
        self._queued += 1
        try:
            yield
        finally:
            self._queued -= 1

    async def hash(self, password: str) -> str:
        """Return the hash of *password*, with its salt and parameters."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether *stored* is a hash of *password*; None, for an unknown account, takes as long and is False."""
        return await self._run(lambda: self._verify(stored or self._unknown, password))

    def is_outdated(self, stored: str) -> bool:
        """Return whether *stored* was made with outdated parameters."""
        return self._hasher.check_needs_rehash(stored)

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher

        return PasswordHasher(TIME_COST, MEMORY_KIB, PARALLELISM)

    def _verify(self, stored: str, password: str) -> bool:
        from argon2.exceptions import VerifyMismatchError

        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._workers:
            return await asyncio.to_thread(work)


def is_common(password: str, *names: str | None) -> bool:
    """Return whether *password* is one of the 30,000 most common ones, or one of the account's own *names*."""
    folded = password.casefold()
    return folded in _common_passwords() or folded in {name.casefold() for name in names if name}


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _random_hash() -> str:
    """Return a well-formed hash with the current parameters that matches no known password."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={PARALLELISM}${salt}${digest}"
