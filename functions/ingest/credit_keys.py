"""List of this installation's API keys in Redis, by their hashes, so that /status and /metrics show their credits."""

import logging

from functions.ingest.settings import Settings
from shared.connections.postgres import ConnectionPool, select_installation
from shared.connections.redis import connect_cache
from shared.providers.credits import list_keys

_logger = logging.getLogger(__name__)


async def list_own_keys(pool: ConnectionPool, settings: Settings) -> None:
    """List the keys of *settings*; without Redis the list stays as it was."""
    finnhub = [settings.finnhub_api_key] if settings.finnhub_api_key else []
    if not (finnhub or settings.twelvedata_api_keys):
        return
    from redis.exceptions import RedisError

    async with pool.connection() as connection:
        installation = await select_installation(connection)
    try:
        async with connect_cache(settings) as redis:
            await list_keys(redis, installation, {"twelvedata": settings.twelvedata_api_keys, "finnhub": finnhub})
    except RedisError as error:
        _logger.warning("could not list the API keys: %s", type(error).__name__)
