"""Turn an answer of a provider into rows: believe or reject each bar, insert, revise or leave alone, all or nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.store.bar_versions import SIMULATED, SourcePriority
from functions.store.fetched_ranges import upsert_fetched_ranges
from functions.store.jumps import drop_jumps
from functions.store.merge import BarChanges, FetchedBatch, StoredBars, find_out_of_order, merge
from functions.store.queries import (
    insert_bars,
    is_complete,
    select_revisions,
    select_stored_bars,
    update_bars,
    update_seen_at,
    upsert_revisions,
    use_primary_key,
)
from functions.store.rejections import Origin, insert_rejections
from functions.store.tickers import select_tickers
from functions.store.totals import add_to_totals
from functions.store.validation import BarBatch, RejectedBar, split
from shared.cache.market_version import bump_epoch
from shared.calendar.queries import select_calendar
from shared.calendar.trading import TradingCalendar
from shared.events.types import BarsFetched, BarsStored

_TRIES = 10
_DAY = timedelta(days=1)


class StorePolicy(NamedTuple):
    """What to make of answers that disagree or lack bars."""

    trust: SourcePriority
    settles_after: timedelta


class StoreResult(NamedTuple):
    """What came of an event: its successor, whether the newest hour is complete, the epoch if readers see a change."""

    stored: BarsStored
    hour_complete: bool
    epoch: int | None


class _RacedError(Exception):
    """Another store inserted one of our bars after we had looked."""


async def store_bars(
    connection: AsyncConnection, fetched: BarsFetched, origin: Origin, rules: StorePolicy
) -> StoreResult:
    """Keep *fetched*, the same event twice like once, in one transaction of *connection* (which has autocommit)."""
    for _ in range(_TRIES):
        try:
            async with connection.transaction():
                return await _keep(connection, fetched, origin, rules)
        except _RacedError:
            continue
    raise RuntimeError(f"other stores were faster {_TRIES} times")


async def _keep(connection: AsyncConnection, fetched: BarsFetched, origin: Origin, rules: StorePolicy) -> StoreResult:
    interval, at = fetched.interval, fetched.fetched_at.astimezone(UTC)
    await use_primary_key(connection)
    told = [(series.ticker, bar.start.astimezone(UTC), bar) for series in fetched.series for bar in series.bars]
    tickers = await select_tickers(connection)
    market = await _select_market(connection, [start for _, start, _ in told if start < at])
    good, bad = split(told, interval=interval, fetched_at=at, market=market, tickers=tickers)
    changes = BarChanges()
    if good:
        standing = await select_stored_bars(connection, interval, good, simulated=fetched.source == SIMULATED)
        good, jumped = _drop_jumps(fetched, good, standing)
        bad += jumped
        changes = await _write(connection, interval, FetchedBatch(fetched.source, at, good), standing, rules.trust)
    rejected = await insert_rejections(connection, fetched, bad, origin)
    asked = await upsert_fetched_ranges(connection, fetched, tickers.keys(), rules.settles_after, origin.trace_id)
    summary = _summary(interval, good, changes, len(bad))
    complete = interval == "1h" and summary.last is not None and await is_complete(connection, summary.last)
    await add_to_totals(connection, fetched.source, summary)
    epoch = await bump_epoch(connection) if changes.news or rejected or asked else None
    return StoreResult(summary, complete, epoch)


async def _select_market(connection: AsyncConnection, starts: Sequence[datetime]) -> TradingCalendar:
    """Return the sessions that bars with these *starts* can lie in."""
    return await select_calendar(connection, min(starts), max(starts) + _DAY) if starts else TradingCalendar(())


def _drop_jumps(fetched: BarsFetched, good: BarBatch, standing: StoredBars) -> tuple[BarBatch, list[RejectedBar]]:
    """Return the bars of *good* whose closes are believed, and the others; invented bars are judged by such only."""
    simulated = fetched.source == SIMULATED
    levels = {
        ticker: {
            start: bar.version.close for start, bar in bars.items() if (bar.version.source == SIMULATED) == simulated
        }
        for ticker, bars in standing.items()
    }
    return drop_jumps(good, levels, {series.ticker for series in fetched.series if series.confirmed_by})


async def _write(
    connection: AsyncConnection, interval: str, told: FetchedBatch, standing: StoredBars, trust: SourcePriority
) -> BarChanges:
    """Write what *told* changes; _RacedError when a bar that was not there is there now."""
    late = find_out_of_order(told, standing, trust)
    histories = await select_revisions(connection, interval, late) if late else {}
    changes = merge(told, standing, histories, trust)
    if changes.new and await insert_bars(connection, interval, told, changes.new) < len(changes.new):
        raise _RacedError
    if changes.seen:
        await update_seen_at(connection, interval, changes.seen, told.at)
    if changes.moved:
        await update_bars(connection, interval, changes.moved)
    if changes.past:
        await upsert_revisions(connection, interval, changes.past)
    return changes


def _summary(interval: str, good: BarBatch, changes: BarChanges, rejected: int) -> BarsStored:
    return BarsStored(
        interval=interval,
        tickers=tuple(good),
        first=min((next(iter(bars)) for bars in good.values()), default=None),
        last=max((next(reversed(bars)) for bars in good.values()), default=None),
        inserted=len(changes.new),
        revised=changes.revised,
        unchanged=sum(map(len, good.values())) - len(changes.new) - changes.revised,
        rejected=rejected,
    )
