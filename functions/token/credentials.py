"""Verification of passwords, with limits on wrong ones by account and client address together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from weakref import WeakValueDictionary

from psycopg import AsyncConnection

from functions.token.normalization import normalize_password
from functions.token.passwords import Passwords
from functions.token.security_log import log_event
from functions.token.user_queries import User, select_user, update_password_hash
from shared.auth.attempts import Attempts, too_many
from shared.connections.postgres import PostgresClient

_SECONDS = 300
_ATTACK = 10
"""Factor of the limit: beyond it, counted over all addresses, each address has one more attempt."""

T = TypeVar("T")


class Credentials:
    """Verifies the password of an account.

    Only wrong passwords are counted, once they have been verified. Attempts from
    one address on one account run one after the other, so that attempts at the same moment cannot exceed the limit.
    Wrong passwords from other addresses never lock an account for an address that sends the right one.
    """

    def __init__(self, limit: int, attempts: Attempts, passwords: Passwords, postgres: PostgresClient) -> None:
        self._limit = limit
        self._attempts = attempts
        self._passwords = passwords
        self._postgres = postgres
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def verify(self, user: User | None, account: str, password: str, address: str) -> User | None:
        """Return *user* when *password* is right; Problem 429 for too many wrong ones, 503 for a full queue.

        *account* names it even when there is no such user.
        """
        pair = f"account {account} address {address}"
        lock = self._locks.setdefault(pair, asyncio.Lock())
        async with self._passwords.queue(), lock:
            attacked = await self._attempts.record("wrong", account, _SECONDS, 0) >= _ATTACK * self._limit
            if await self._attempts.record("wrong", pair, _SECONDS, 0) >= (1 if attacked else self._limit):
                log_event("login refused", address, user and user.user_id, reason="too-many-attempts")
                raise too_many(self._limit, _SECONDS)
            verified = await self._verify(user, password)
            if verified is None:
                await self._attempts.record("wrong", pair, _SECONDS)
                await self._attempts.record("wrong", account, _SECONDS)
                log_event("login refused", address, user and user.user_id, reason="wrong-password")
            return verified

    async def _verify(self, user: User | None, password: str) -> User | None:
        """Return *user*, rehashed if need be, when *password* is right; an unknown account takes as long."""
        try:
            password = normalize_password(password)
        except ValueError:
            password = ""  # matches no account
        matches = await self._passwords.verify(user and user.password_hash, password)
        if not user or not matches:
            return None
        if not self._passwords.is_outdated(user.password_hash):
            return user
        user_id, before, after = user.user_id, user.password_hash, await self._passwords.hash(password)
        if await self._run(lambda connection: update_password_hash(connection, user_id, before, after)):
            return replace(user, password_hash=after)
        # A concurrent login rehashed it, or the password was changed.
        return await self._verify(await self._run(lambda connection: select_user(connection, user_id)), password)

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        return await self._postgres.run(work)
