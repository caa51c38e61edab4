"""What may be asked of a provider now: credits per key, minute and day, counted in Redis for all copies together.

Nothing here waits. What is not free is not granted, and the next tick carries on.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from redis.asyncio import Redis

from shared.runtime import clock
from shared.runtime.settings import Secret

# A request may arrive a little later than it was granted. So near the end of a minute or a day it is charged to the
# next one too: whichever the provider counts it in, the limit holds.
_ON_THE_WAY = timedelta(seconds=10)
_SET_ASIDE = timedelta(hours=1)
# Windows are named by the shared clock, which may run slower than Redis's own; so the names live long.
_LIFETIMES = {"minute": 86_400, "day": 3 * 86_400}

# KEYS: of each API key in order: where it is set aside, its minute, the minute of a late arrival, its day, the day of a
# late arrival. Returns a number a key: the credits granted, or -1 when it is set aside.
_TAKE = """
local wanted, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local limits = {tonumber(ARGV[3]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[4])}
local lifetimes = {ARGV[5], ARGV[5], ARGV[6], ARGV[6]}
local granted = {}
for first = 1, #KEYS, 5 do
    if tonumber(redis.call('GET', KEYS[first]) or '0') > now then
        granted[#granted + 1] = -1
    else
        local free = wanted
        for window = 1, 4 do
            free = math.min(free, limits[window] - tonumber(redis.call('GET', KEYS[first + window]) or '0'))
        end
        if free > 0 then
            for window = 1, 4 do
                if window % 2 == 1 or KEYS[first + window] ~= KEYS[first + window - 1] then
                    redis.call('INCRBY', KEYS[first + window], free)
                    redis.call('EXPIRE', KEYS[first + window], lifetimes[window])
                end
            end
            wanted = wanted - free
        end
        granted[#granted + 1] = math.max(free, 0)
    end
end
return granted
"""

_RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""


class CreditGrant(NamedTuple):
    """Credits that may be spent with *key* at once; the windows they were charged to, by "minute" and "day"."""

    key: Secret
    credits: int
    windows: dict[str, list[str]]


class AllKeysSuspended(Exception):  # noqa: N818
    """Every key was refused by the provider within the last hour."""


class Budget:
    """The credits of one provider. All methods: redis.RedisError when Redis is down."""

    def __init__(
        self, redis: Redis, provider: str, keys: Sequence[Secret], per_minute: int, per_day: int | None = None
    ) -> None:
        self._redis: Any = redis  # its stubs give each command as sync or async
        self._provider = provider
        self._keys = {short_hash(key): key for key in keys}
        self._limits = {"minute": per_minute, "day": per_day or 1_000_000_000}

    async def take(self, wanted: int) -> list[CreditGrant]:
        """Charge up to *wanted* credits to the keys in order, each as far as it has any free; [] when none has.

        AllKeysSuspended when no key may be used.
        """
        now = clock.now()
        windows = {name: self._windows(name, now) for name in self._keys}
        names = [
            window
            for name, of_key in windows.items()
            for window in (self._aside(name), *of_key["minute"], *of_key["day"])
        ]
        granted: list[int] = await self._redis.eval(
            _TAKE,
            len(names),
            *names,
            wanted,
            now.timestamp(),
            self._limits["minute"],
            self._limits["day"],
            _LIFETIMES["minute"],
            _LIFETIMES["day"],
        )
        if all(count < 0 for count in granted):
            raise AllKeysSuspended
        return [
            CreditGrant(key, count, windows[name])
            for (name, key), count in zip(self._keys.items(), granted, strict=True)
            if count > 0
        ]

    async def mark_spent(self, grant: CreditGrant, window: str, left: int = 0) -> None:
        """Note that the provider sees at most *left* credits in the "minute" or "day" that *grant* was charged to."""
        for name in dict.fromkeys(grant.windows[window]):
            await self._redis.eval(_RAISE, 1, name, max(self._limits[window] - left, 0), _LIFETIMES[window])

    async def suspend(self, grant: CreditGrant) -> None:
        """Do not use the key for an hour: the provider refuses it."""
        until = (clock.now() + _SET_ASIDE).timestamp()
        await self._redis.set(self._aside(short_hash(grant.key)), until, ex=_LIFETIMES["day"])

    def _aside(self, name: str) -> str:
        return f"credits:{self._provider}:{name}:aside"

    def _windows(self, name: str, now: datetime) -> dict[str, list[str]]:
        prefix = f"credits:{self._provider}:{name}"
        instants = (now, now + _ON_THE_WAY)
        return {
            "minute": [f"{prefix}:minute:{instant:%Y-%m-%dT%H:%M}" for instant in instants],
            "day": [f"{prefix}:day:{instant:%Y-%m-%d}" for instant in instants],
        }


def short_hash(key: Secret) -> str:
    """Return a name for *key* that tells keys apart and nothing else."""
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:12]
