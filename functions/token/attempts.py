"""How often one may guess: counted in Redis for all copies, under names that tell no address and no account."""

import time

from shared.auth.counters import Counters
from shared.auth.token_format import keyed_hash
from shared.http.problem import Problem


class Attempts:
    """Counts what is worth limiting beyond requests, in fixed windows of time."""

    def __init__(self, counts: Counters, secret: str) -> None:
        self._counts = counts
        self._secret = secret
        counts.load_now()

    async def count(self, what: str, who: str, limit: int, seconds: int) -> str:
        """Count one more attempt at *what* by *who*; return what `take_back` takes. Problem 429 beyond *limit*."""
        now = time.time()
        name = f"{what}:{keyed_hash(self._secret, who.encode())[:32]}/{int(now // seconds)}"
        if await self._counts.add(name, 1, seconds) > limit:
            wait = int(seconds - now % seconds) + 1
            raise Problem(
                429,
                "too-many-attempts",
                "Too many attempts",
                f"{limit} are allowed in {seconds // 60} minutes. Try again in {wait} s.",
                headers={"Retry-After": f"{wait}"},
            )
        return name

    async def take_back(self, name: str, seconds: int) -> None:
        """Forget an attempt that was none: it succeeded."""
        await self._counts.add(name, -1, seconds)
