"""Limits on logins, registrations, new tokens and tests of channels, counted in Redis under hashed keys."""

import time

from shared.auth.rate_limit import Counters
from shared.auth.token_format import keyed_hash
from shared.http.problem import Problem


class Attempts:
    """Counts attempts in fixed windows of time."""

    def __init__(self, counters: Counters, secret: str) -> None:
        self._counters = counters
        self._secret = secret
        counters.load_now()  # here even the first response takes longer than loading Redis

    async def record(self, kind: str, subject: str, seconds: int, amount: int = 1) -> int:
        """Add *amount* to the attempts at *kind* by *subject* in this window and return their number."""
        key = f"{kind}:{keyed_hash(self._secret, subject.encode())[:32]}/{int(time.time() // seconds)}"
        return await self._counters.add(key, amount, seconds)

    async def count_or_refuse(self, kind: str, subject: str, limit: int, seconds: int) -> None:
        """Count an attempt by *subject*; Problem 429 beyond *limit* in *seconds*."""
        if await self.record(kind, subject, seconds) > limit:
            raise too_many(limit, seconds)


def too_many(limit: int, seconds: int) -> Problem:
    """Return the 429 with the limit and the seconds until the window ends."""
    wait = int(seconds - time.time() % seconds) + 1
    detail = f"At most {limit} attempts are allowed in {seconds // 60} minutes. Try again in {wait} s."
    return Problem(429, "too-many-attempts", "Too many attempts", detail, headers={"Retry-After": f"{wait}"})
