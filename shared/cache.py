"""Redis for functions: short time limits, because everything it holds can be had without it."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.settings import Cache


def connect_cache(settings: Cache) -> Redis:
    """Return a client that connects on first use and gives up after half a second."""
    return Redis.from_url(
        settings.redis_url.reveal(),
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        # One more try at once: the first use after Redis restarted finds the old connection dead.
        retry=Retry(NoBackoff(), 1),
    )
