"""Passwords as argon2id hashes: slow on purpose, so only a few at a time, and as slow for no account at all."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from shared.http.problem import Problem

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TIME_COST, MEMORY_KIB, PARALLELISM = 3, 64 * 1024, 1
"""RFC 9106's second recommendation, in one lane: a pod has one core, and more lanes would only help who guesses."""
_AT_ONCE = 2
"""128 MiB in all, of the 256 that a pod has."""
_WAITING_AT_MOST = 30
"""Some three seconds."""

T = TypeVar("T")


class Passwords:
    """Hashes and compares, a bounded number at a time; Problem 503 when too many wait."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobody = _hash_of_nothing()

    async def hash(self, password: str) -> str:
        """Return the hash of *password*, with its salt and parameters."""
        return await self._in_turn(lambda: self._hasher.hash(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Tell whether *kept* is a hash of *password*; None, for no account, takes as long and is none."""
        return await self._in_turn(lambda: self._verify(kept or self._nobody, password))

    def is_outdated(self, kept: str) -> bool:
        """Tell whether *kept* was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher

        return PasswordHasher(TIME_COST, MEMORY_KIB, PARALLELISM)

    def _verify(self, kept: str, password: str) -> bool:
        from argon2.exceptions import VerifyMismatchError

        try:
            return self._hasher.verify(kept, password)
        except VerifyMismatchError:
            return False

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING_AT_MOST:
            detail = "Too many passwords are being checked at this moment. Try again in a few seconds."
            raise Problem(503, "busy", "Busy", detail, headers={"Retry-After": "3"})
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _hash_of_nothing() -> str:
    """Return what looks like a hash of today's parameters and is the hash of no password that anybody knows."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={TIME_COST},p={PARALLELISM}${salt}${digest}"
