"""Provider credits per key, minute and day, counted in Redis for all copies: ingest spends and others show them.

Nothing here waits: a request without free credits is not made, and the next tick continues. The limits are stored
beside the counters, so that only ingest needs to know the providers.

Counters are named by API key instead of installation, since a provider counts all requests with a key, from any
process. Each installation lists its own keys, by their hashes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.connections.redis import installation_key
from shared.runtime import clock
from shared.runtime.settings import Secret

if TYPE_CHECKING:
    from redis.asyncio import Redis

# A request may arrive a little later than it was granted. So near the end of a minute or a day it is charged to the
# next one too: whichever the provider counts it in, the limit holds.
_ON_THE_WAY = timedelta(seconds=10)
_SUSPENSION = timedelta(hours=1)
# Windows are named by the shared clock, which may run slower than Redis's own; so the names live long.
_LIFETIMES = {"minute": 86_400, "day": 3 * 86_400}
_LISTED_SECONDS = 14 * 86_400
"""Longer than any pause between two ticks of the schedule."""

_KEYS = "credit-keys"
"""In Redis, within an installation: hashes of its API keys by provider, as JSON."""

# KEYS: the limits; then of each API key in order: its suspension, its minute, that of a late arrival, its day, that
# of a late arrival. Returns a number a key: the credits granted, -1 for a suspended one.
_ACQUIRE = """
local wanted, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local limits = {tonumber(ARGV[3]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[4])}
local lifetimes = {ARGV[5], ARGV[5], ARGV[6], ARGV[6]}
local granted = {}
redis.call('HSET', KEYS[1], 'minute', ARGV[3], 'day', ARGV[7])
redis.call('EXPIRE', KEYS[1], lifetimes[4])
for first = 2, #KEYS, 5 do
    local since, ends = string.match(redis.call('GET', KEYS[first]) or '', '^(%S+) (%S+)$')
    if since and tonumber(since) <= now and now < tonumber(ends) then
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
    """Credits to spend with *key* at once, and the counters that they were charged to, by "minute" and "day"."""

    key: Secret
    credits: int
    windows: dict[str, list[str]]


class AllKeysSuspended(Exception):  # noqa: N818
    """Every key was refused by the provider within the last hour."""


class CreditBudget:
    """The credits of one provider. All methods raise redis.RedisError when Redis is down."""

    def __init__(
        self, redis: "Redis", provider: str, keys: Sequence[Secret], per_minute: int, per_day: int | None = None
    ) -> None:
        self._redis: Any = redis  # its stubs give each command as sync or async
        self._provider = provider
        self._keys = {short_hash(key): key for key in keys}
        self._limits = {"minute": per_minute, "day": per_day or 1_000_000_000}
        self._daily = per_day

    async def acquire(self, wanted: int) -> list[CreditGrant]:
        """Charge up to *wanted* credits to the keys in order, each as far as it has any free; [] when none has.

        AllKeysSuspended when no key may be used.
        """
        now = clock.now()
        windows = {name: self._windows(name, now) for name in self._keys}
        names = [f"credits:{self._provider}:limits"]
        for name, of_key in windows.items():
            names += [self._suspension(name), *of_key["minute"], *of_key["day"]]
        granted: list[int] = await self._redis.eval(
            _ACQUIRE,
            len(names),
            *names,
            wanted,
            now.timestamp(),
            self._limits["minute"],
            self._limits["day"],
            _LIFETIMES["minute"],
            _LIFETIMES["day"],
            self._daily or "",
        )
        if all(count < 0 for count in granted):
            raise AllKeysSuspended
        return [
            CreditGrant(key, count, windows[name])
            for (name, key), count in zip(self._keys.items(), granted, strict=True)
            if count > 0
        ]

    async def mark_spent(self, grant: CreditGrant, window: str, left: int = 0) -> None:
        """Leave at most *left* credits in the "minute" or "day" of *grant*, since the provider has counted more."""
        for name in dict.fromkeys(grant.windows[window]):
            await self._redis.eval(_RAISE, 1, name, max(self._limits[window] - left, 0), _LIFETIMES[window])

    async def suspend(self, grant: CreditGrant, span: timedelta = _SUSPENSION) -> None:
        """Suspend the key for *span*, since the provider refuses it or requests a pause."""
        # With its start, so that a suspension recorded by a clock that was ahead is ignored.
        now = clock.now()
        ends = f"{now.timestamp()} {(now + span).timestamp()}"
        await self._redis.set(self._suspension(short_hash(grant.key)), ends, ex=_LIFETIMES["day"])

    def _suspension(self, name: str) -> str:
        return f"credits:{self._provider}:{name}:suspended"

    def _windows(self, name: str, now: datetime) -> dict[str, list[str]]:
        prefix = f"credits:{self._provider}:{name}"
        instants = (now, now + _ON_THE_WAY)
        return {
            "minute": [f"{prefix}:minute:{instant:%Y-%m-%dT%H:%M}" for instant in instants],
            "day": [f"{prefix}:day:{instant:%Y-%m-%d}" for instant in instants],
        }


async def list_keys(redis: Any, installation: str, keys: Mapping[str, Sequence[Secret]]) -> None:
    """List the API keys of an installation by provider, for `read_usage`."""
    names = {provider: [short_hash(key) for key in some] for provider, some in keys.items() if some}
    await redis.set(installation_key(installation, _KEYS), json.dumps(names), ex=_LISTED_SECONDS)


async def read_usage(redis: Any, installation: str) -> list[dict[str, Any]]:
    """Return what the API keys of an installation have used of this minute and day, and pauses, by provider."""
    now = clock.now()
    current = {"minute": f"{now:%Y-%m-%dT%H:%M}", "day": f"{now:%Y-%m-%d}"}
    keys: dict[str, list[str]] = json.loads(await redis.get(installation_key(installation, _KEYS)) or "{}")
    usage: list[dict[str, Any]] = []
    for provider, names in sorted(keys.items()):
        limits = await redis.hmget(f"credits:{provider}:limits", list(current))
        row: dict[str, Any] = {"provider": provider, "keys": len(names)}
        for (window, instant), limit in zip(current.items(), limits, strict=True):
            used = await redis.mget([f"credits:{provider}:{name}:{window}:{instant}" for name in names])
            row[window] = {
                "used": sum(int(one or 0) for one in used),
                "limit": int(limit) * len(names) if limit else None,
            }
        row["pause"] = _pause(await redis.hgetall(outage_name(provider, names[0])), now)
        usage.append(row)
    return usage


def outage_name(provider: str, key: str) -> str:
    """Return the name in Redis of the outage of *provider*, given the hash of its first API key."""
    return f"credits:{provider}:{key}:outage"


_MAX_PAUSE_SECONDS = 30 * 60
"""Maximum pause; longer ones were written by a wrong clock, and ingest ignores them too."""


def _pause(outage: Mapping[bytes, bytes], now: datetime) -> dict[str, str] | None:
    """Return the pause of a provider that does not respond, None without one."""
    if not now.timestamp() < float(outage.get(b"until", 0)) <= now.timestamp() + _MAX_PAUSE_SECONDS:
        return None
    since, until = (datetime.fromtimestamp(float(outage[name]), UTC) for name in (b"since", b"until"))
    return {
        "since": f"{since:%Y-%m-%dT%H:%M:%SZ}",
        "until": f"{until:%Y-%m-%dT%H:%M:%SZ}",
        "reason": outage[b"reason"].decode(),
    }


def short_hash(key: Secret) -> str:
    """Return a name for *key* that distinguishes keys and reveals nothing else."""
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:12]
