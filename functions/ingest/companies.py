"""Companies tick: fetch the profiles that are missing, a week old, or known from the catalogue alone."""

import logging
from collections.abc import Callable
from datetime import timedelta

from functions.ingest.providers import NoCredits, Provider, ProviderError
from functions.ingest.queries import select_unknown, select_unprofiled
from functions.ingest.settings import Settings
from functions.ingest.ticks import InvalidTick
from shared.connections.postgres import ConnectionPool
from shared.events.types import CompaniesFetched, Tick
from shared.http.problem import Problem
from shared.runtime import clock

_logger = logging.getLogger(__name__)

FRESH = timedelta(days=7)


async def fetch_companies(
    tick: Tick,
    pool: ConnectionPool,
    settings: Settings,
    _: Callable[[str], Provider],
) -> CompaniesFetched | None:
    """Return the event with the profiles that could be fetched now, None when there are none or no key is set.

    InvalidTick for a ticker that is not tracked; Problem 503 when Finnhub failed.
    """
    now = clock.now()
    tickers = None if tick.tickers is None else [ticker.upper() for ticker in tick.tickers]
    async with pool.connection() as connection:
        if tickers and (unknown := await select_unknown(connection, tickers)):
            raise InvalidTick(f"tickers: {', '.join(sorted(unknown))}: not tracked")
        due = await select_unprofiled(connection, tickers, now - FRESH)
    companies, calls = [], 0
    if due and settings.finnhub_api_key is not None:
        from functions.ingest.providers import finnhub  # only when a profile is due

        try:
            companies, calls = await finnhub.fetch_profiles(settings, {one.ticker: one.name for one in due})
        except NoCredits:
            _logger.info("finnhub: no calls are left for now")
        except ProviderError as failure:
            _logger.error("%s", failure)
            raise Problem(
                503, "providers-failed", "All providers failed", f"{len(due)} profiles are due. See the log."
            ) from failure
    _logger.info("companies: due=%d credits=%d companies=%d provider=finnhub", len(due), calls, len(companies))
    if not companies:
        return None
    return CompaniesFetched(source="finnhub", fetched_at=now, companies=tuple(companies))
