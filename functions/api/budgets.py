"""What ingest has spent of its providers' credits, read from the counters that it keeps in Redis."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from functions.api.settings import Settings
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.redis import RedisClient
from shared.runtime import clock

_HOLDS_SECONDS = 10
_SCANS = 20
"""Calls that look through Redis, a thousand names each: the counters are few, the copies of answers may be many."""


class Budgets:
    """The counters, looked for every ten seconds at most."""

    def __init__(self, redis: RedisClient, settings: Settings) -> None:
        self._redis = redis
        self._limits = {
            "twelvedata": {
                "minute": settings.twelvedata_credits_per_minute,
                "day": settings.twelvedata_credits_per_day,
            },
            "finnhub": {"minute": settings.finnhub_calls_per_minute},
        }
        self._seen: list[dict[str, object]] = []
        self._seen_at = -1e9

    async def read(self) -> list[dict[str, object]]:
        """Return what each provider's keys have used of this minute and day; [] when nothing is counted or known."""
        if time.monotonic() - self._seen_at >= _HOLDS_SECONDS:
            self._seen_at = time.monotonic()
            try:
                counters = await self._redis.run(_counters)
            except UnavailableError:
                return self._seen
            self._seen = self._by_provider(counters, clock.now())
        return self._seen

    def _by_provider(self, counters: Mapping[str, int], now: datetime) -> list[dict[str, object]]:
        windows = {"minute": f"{now:%Y-%m-%dT%H:%M}", "day": f"{now:%Y-%m-%d}"}
        keys: dict[str, set[str]] = {}
        for counter in counters:
            _, provider, key, *_ = counter.split(":")
            keys.setdefault(provider, set()).add(key)
        return [
            {
                "provider": provider,
                "keys": len(names),
                **{
                    window: {
                        "used": sum(counters.get(f"credits:{provider}:{name}:{window}:{instant}", 0) for name in names),
                        "limit": limit and limit * len(names),
                    }
                    for window, instant in windows.items()
                    for limit in (self._limits.get(provider, {}).get(window),)
                },
            }
            for provider, names in sorted(keys.items())
        ]


async def _counters(client: Any) -> dict[str, int]:
    """Return the counters of credits by name: `credits:<provider>:<key>:<minute|day>:<which>`."""
    cursor, names = 0, []
    for _ in range(_SCANS):
        cursor, found = await client.scan(cursor, match="credits:*:*:[md]*:*", count=1000)
        names += [name.decode() for name in found]
        if cursor == 0:
            break
    values = await client.mget(names) if names else []
    return {name: int(value) for name, value in zip(names, values, strict=True) if value is not None}
