"""Outages of a provider: pauses in Redis, for all copies, that grow until it responds again."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.providers.credits import outage_name, short_hash
from shared.runtime import clock
from shared.runtime.settings import Secret

if TYPE_CHECKING:
    from redis.asyncio import Redis

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30))
_LIFETIME_SECONDS = 86_400

# A pause that ends later than the longest one from now was recorded under a wrong clock, and does not count. Copies
# that fail at the same time count once: while a pause lasts, nothing is recorded.
_RECORD = """
local now, last = tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
if last > now and last <= now + tonumber(ARGV[#ARGV]) then
    return
end
local failures = tonumber(redis.call('HGET', KEYS[1], 'failures') or '0') + 1
redis.call('HSET', KEYS[1], 'failures', failures, 'until', now + tonumber(ARGV[math.min(failures, #ARGV - 3) + 3]),
    'reason', ARGV[3])
redis.call('HSETNX', KEYS[1], 'since', now)
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


class Outage:
    """The outage of *provider*, if there is one; *key* is the first of its API keys. All methods raise RedisError."""

    def __init__(self, redis: "Redis", provider: str, key: Secret) -> None:
        self._redis: Any = redis  # its stubs give each command as sync or async
        self._name = outage_name(provider, short_hash(key))
        self.known = False
        """Whether the provider did not respond to the last request before `remaining`."""

    async def remaining(self) -> timedelta:
        """Return how long no request may be made, 0 for none."""
        until = await self._redis.hget(self._name, "until")
        self.known = until is not None
        left = timedelta(seconds=float(until or 0) - clock.now().timestamp())
        return left if timedelta(0) < left <= PAUSES[-1] else timedelta(0)

    async def record(self, reason: str) -> None:
        """Begin a pause, longer than the last one; *reason*: no response, or one with a fault of the server."""
        seconds = [pause.total_seconds() for pause in PAUSES]
        await self._redis.eval(_RECORD, 1, self._name, clock.now().timestamp(), _LIFETIME_SECONDS, reason, *seconds)

    async def end(self) -> None:
        """Forget the outage: the provider responded."""
        if self.known:
            await self._redis.delete(self._name)
            self.known = False


def is_server_fault(status: int) -> bool:
    """Return whether an HTTP status says that the server is out of order."""
    return 500 <= status < 600
