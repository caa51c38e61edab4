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
        counters.load_now()  # no first answer here is so fast that loading Redis would matter

    async def record(self, kind: str, subject: str, seconds: int, amount: int = 1) -> int:
        """Return the attempts at *kind* by *subject* in this window, *amount* more than before."""
        key = f"{kind}:{keyed_hash(self._secret, subject.encode())[:32]}/{int(time.time() // seconds)}"
        return await self._counters.add(key, amount, seconds)

    async def require(self, kind: str, subject: str, limit: int, seconds: int) -> None:
        """Record an attempt; Problem 429 beyond *limit*."""
        if await self.record(kind, subject, seconds) > limit:
            raise too_many(limit, seconds)


def too_many(limit: int, seconds: int) -> Problem:
    """Return the 429 that names the limit and the end of the window."""
    wait = int(seconds - time.time() % seconds) + 1
    detail = f"The limit is {limit} in {seconds // 60} minutes. Try again in {wait} s."
    return Problem(429, "too-many-attempts", "Too many attempts", detail, headers={"Retry-After": f"{wait}"})
