"""Bars tick: find missing bars, fetch as many as the budget allows, and reply with them for store."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from functions.ingest.failover import confirm_jumps, fetch_in_order
from functions.ingest.plan import INTERVAL, FetchPlan, plan_tick
from functions.ingest.providers import FetchResult, Provider
from functions.ingest.publication import clock_offsets
from functions.ingest.settings import Settings
from shared.calendar.trading import TradingCalendar
from shared.connections.postgres import ConnectionPool
from shared.events.types import Bar, BarsFetched, FetchFailure, Series, Tick
from shared.runtime import clock
from shared.runtime.clock_check import TOLERANCE_SECONDS, offset_seconds, warn

_logger = logging.getLogger(__name__)

EVENT_BYTES = 1_000_000
"""Of an event's data, so that all of it stays under 1 MiB."""


async def fetch_bars(
    tick: Tick, pool: ConnectionPool, settings: Settings, provider: Callable[[str], Provider]
) -> BarsFetched | None:
    """Return the event with the missing bars that could be fetched now, None when there are none.

    InvalidTick for an invalid tick; Problem 503 when every provider failed.
    """
    now = clock.now()
    grace = timedelta(seconds=settings.bar_grace_seconds)
    async with pool.connection() as connection:
        plan = await plan_tick(connection, tick, settings, now, grace)
    results = await fetch_in_order(plan, settings, provider, now) if plan.requests else {}
    fetched_at = _trusted_time(results, now)
    first = next((result.source or name for name, result in results.items()), "")
    series = [
        Series(
            ticker=request.ticker,
            start=request.start,
            end=request.end,
            bars=tuple(drop_unfinished(bars, plan.market, now, grace, result.served_at)),
            source=None if (result.source or name) == first else result.source or name,
            refused=result.refused.get(request, ()),
            reason=labels.reason if (labels := result.mislabelled.get(request)) else None,
            detail=labels.detail if labels else "",
        )
        for name, result in results.items()
        for request, bars in result.bars.items()
    ]
    served = {one.ticker for one in series}
    failures = {
        request.ticker: FetchFailure(ticker=request.ticker, reason=f"{name}: {reason}")
        for name, result in results.items()
        for request, reason in result.failures.items()
        if request.ticker not in served
    }
    _log(plan, results, series)
    if not results:
        return None
    return BarsFetched(
        interval=INTERVAL,
        source=first,
        fetched_at=fetched_at,
        series=tuple(truncate(await confirm_jumps(series, settings), EVENT_BYTES, whole=tick.again)),
        failures=tuple(failures.values()),
        configuration=settings.configuration,
    )


def _trusted_time(results: Mapping[str, FetchResult], now: datetime) -> datetime:
    """Return the time of the fetch: the provider's where our clock is more than a minute ahead of it."""
    for name, result in results.items():
        if result.served_at and (offset := offset_seconds(result.served_at)) is not None:
            clock_offsets[name] = offset
            warn(name, offset)
    served_at = min((one.served_at for one in results.values() if one.served_at), default=now)
    return served_at if now - served_at > timedelta(seconds=TOLERANCE_SECONDS) else now


def drop_unfinished(
    bars: Iterable[Bar], market: TradingCalendar, now: datetime, grace: timedelta, served_at: datetime | None = None
) -> list[Bar]:
    """Return *bars* without those of the grid that are still in progress: they come again, finished.

    A bar is finished *grace* after its end, and not before its end by the provider's time *served_at*. All others go to
    store, which keeps a record of each that it rejects.
    """

    def is_in_progress(start: datetime) -> bool:
        session = market.session_at(start) if start <= now else None
        if session is None or not session.has_bar_at(INTERVAL, start):
            return False
        end = session.end(INTERVAL, start)
        return end + grace > now or (served_at is not None and end > served_at)

    return [bar for bar in bars if not is_in_progress(bar.start)]


def truncate(series: Iterable[Series], limit: int, *, whole: bool = False) -> list[Series]:
    """Return as much of *series* as *limit* bytes of JSON hold; the last one's window ends where it was cut.

    With *whole* only the first is cut: the next tick requests the others from their beginning.
    """
    kept: list[Series] = []
    for one in series:
        size = len(msgspec.json.encode(one)) + 1
        if size <= limit:
            kept.append(one)
            limit -= size
            continue
        # The last bar goes too, so that the estimate by the mean is on the safe side.
        count = len(one.bars) * limit // size - 1
        if count > 0 and not (whole and kept):
            # Bars that were not requested may lie anywhere.
            end = max(one.start, min(one.bars[count].start, one.end))
            bars = tuple(bar for bar in one.bars[:count] if bar.start < end)
            kept.append(replace(one, end=end, bars=bars))
        _logger.warning("event truncated at %d bytes, the next tick continues with %s", EVENT_BYTES, one.ticker)
        break
    return kept


def _log(plan: FetchPlan, results: Mapping[str, FetchResult], series: Sequence[Series]) -> None:
    fetched = sum(len(bars) for result in results.values() for bars in result.bars.values())
    sent = sum(len(one.bars) for one in series)
    _logger.info(
        "bars: due=%d asked=%d credits=%d bars=%d dropped=%d provider=%s",
        len(plan.gaps),
        len(series),
        sum(result.credits for result in results.values()),
        sent,
        fetched - sent,
        ",".join(results) or None,
    )
