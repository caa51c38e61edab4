"""Compare tick: request the bars of the newest session, or of a window, from a second provider."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from functions.ingest.gaps import EVENT_BARS, FetchRequest, bar_end
from functions.ingest.plan import INTERVAL
from functions.ingest.providers import FetchResult, NoCredits, Provider, ProviderError
from functions.ingest.queries import select_compared_sources, select_unknown
from functions.ingest.settings import Settings
from functions.ingest.ticks import InvalidTick, requested_window
from shared.calendar.trading import TradingCalendar, select_calendar
from shared.connections.postgres import ConnectionPool
from shared.events.types import ComparisonFetched, Series, Tick
from shared.runtime import clock

_logger = logging.getLogger(__name__)

_LOOK_BACK = timedelta(days=10)
"""Longer than the exchange is ever closed."""


async def fetch_comparison(
    tick: Tick, pool: ConnectionPool, settings: Settings, provider: Callable[[str], Provider]
) -> ComparisonFetched | None:
    """Return the event with the other providers' bars, None where there are none to compare with.

    Each ticker is requested from the first provider that its stored bars are not of. Without a window: those of the
    newest session that were not compared yet. InvalidTick for an invalid tick.
    """
    names = [name for name in settings.order if name != "simulated"]
    if len(names) < 2:
        return None
    now = clock.now()
    tickers = None if tick.tickers is None else [ticker.upper() for ticker in tick.tickers]
    window = requested_window(tick, now, 1)
    async with pool.connection() as connection:
        if tickers and (unknown := await select_unknown(connection, tickers)):
            raise InvalidTick(f"tickers: {', '.join(sorted(unknown))}: not tracked")
        first = window.start if window and window.start else (window.end if window else now) - _LOOK_BACK
        market = await select_calendar(connection, first, window.end if window else now)
        starts = _starts(market, None if window is None else window.start, window.end if window else now, now)
        if not starts:
            return None
        end = bar_end(market, INTERVAL, starts[-1])
        sources = await select_compared_sources(connection, INTERVAL, tickers, starts[0], end, again=window is not None)
    if len(sources) * len(starts) > EVENT_BARS:
        most = EVENT_BARS // len(starts) if len(starts) < EVENT_BARS else 0
        raise InvalidTick(f"start: {len(starts)} hours are compared for {most} tickers at most; shorten the window")
    results = await _fetch(_share(names, sources, starts[0], end), provider, market)
    series = [
        Series(ticker=ask.ticker, start=ask.start, end=ask.end, bars=tuple(bars), source=result.source or name)
        for name, result in results.items()
        for ask, bars in result.bars.items()
        if ask not in result.mislabelled
    ]
    _logger.info("compare: asked=%d compared=%d providers=%s", len(sources), len(series), ",".join(results) or None)
    if not series:
        return None
    return ComparisonFetched(interval=INTERVAL, source=series[0].source or "", fetched_at=now, series=tuple(series))


def _starts(market: TradingCalendar, first: datetime | None, end: datetime, now: datetime) -> list[datetime]:
    """Return the starts of the finished bars from *first* to *end*, or of the newest session that has closed."""
    if first is None:
        closed = [session for session in market.sessions if session.closes <= end]
        return list(closed[-1].starts(INTERVAL)) if closed else []
    return [start for start in market.starts(INTERVAL, first, end) if bar_end(market, INTERVAL, start) <= now]


def _share(
    names: Sequence[str], sources: Mapping[str, Sequence[str]], start: datetime, end: datetime
) -> dict[str, list[FetchRequest]]:
    """Return the requests to each provider."""
    shares: dict[str, list[FetchRequest]] = {}
    for ticker, stored in sources.items():
        # `alpaca-iex` comes from the provider alpaca.
        known = {source.partition("-")[0] for source in stored}
        if other := next((name for name in names if name not in known), None):
            shares.setdefault(other, []).append(FetchRequest(ticker, start, end))
    return shares


async def _fetch(
    shares: Mapping[str, list[FetchRequest]], provider: Callable[[str], Provider], market: TradingCalendar
) -> dict[str, FetchResult]:
    """Return the results; a provider that fails, or has no credits now, is left to the next tick."""
    results: dict[str, FetchResult] = {}
    for name, asks in shares.items():
        try:
            results[name] = await provider(name).fetch(asks, INTERVAL, market)
        except NoCredits as error:
            _logger.info("%s", error if str(error) else f"{name}: no credits are left for now")
        except ProviderError as failure:
            _logger.error("%s", failure)
    return results
