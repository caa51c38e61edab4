"""Publication in Redis for /status and /metrics: hashes of ingest's API keys, and its clock's offset."""

import logging

from functions.ingest.settings import YAHOO, Settings
from shared.connections.postgres import ConnectionPool, select_installation
from shared.connections.redis import connect_cache, installation_key
from shared.providers.credits import list_keys
from shared.runtime.clock_check import PROVIDER_OFFSETS

_logger = logging.getLogger(__name__)
_EXPIRE_SECONDS = 24 * 3600

clock_offsets: dict[str, int] = {}
"""Seconds by which this clock was ahead of a provider's at the last request, by provider."""


async def publish(pool: ConnectionPool, settings: Settings) -> None:
    """Publish the API keys of *settings* and the clock's offsets; without Redis the last publication stays."""
    keys = {
        "twelvedata": settings.twelvedata_api_keys,
        "alpaca": [settings.alpaca_key_id] if settings.alpaca_key_id and "alpaca" in settings.order else [],
        "yahoo": [YAHOO] if "yahoo" in settings.order else [],
        "finnhub": [settings.finnhub_api_key] if settings.finnhub_api_key else [],
    }
    if not any(keys.values()):
        return
    from redis.exceptions import RedisError

    async with pool.connection() as connection:
        installation = await select_installation(connection)
    try:
        async with connect_cache(settings) as redis:
            await list_keys(redis, installation, keys)
            if clock_offsets:
                name = installation_key(installation, PROVIDER_OFFSETS)
                await redis.hset(name, mapping=clock_offsets)
                await redis.expire(name, _EXPIRE_SECONDS)
    except RedisError as error:
        _logger.warning("could not publish the API keys and the clock's offset: %s", type(error).__name__)
