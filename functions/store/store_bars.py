"""Store fetched bars: validate each, insert, revise or leave alone, reject with a reason; all in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation

from functions.store.bar_versions import SIMULATED, SourcePriority
from functions.store.fetched_ranges import upsert_failures, upsert_fetched_ranges
from functions.store.jumps import drop_jumps
from functions.store.merge import BarChanges, FetchedBatch
from functions.store.queries import send_is_complete, send_select_stored_bars
from functions.store.rejections import Origin, insert_rejections
from functions.store.series_checks import Rejection
from functions.store.source_overlaps import upsert_overlaps
from functions.store.splits.queries import begin_storing, send_select_splits
from functions.store.splits.rescale import FetchedAnswer, Rescaled, apply_divisors, record_jumps, rescale
from functions.store.tickers import send_select_tickers
from functions.store.totals import add_to_totals
from functions.store.validation import BarBatch, RejectedBar, validate_bars
from functions.store.write import write_batch
from shared.cache.market_version import send_raise_market_version
from shared.calendar.clock_search import WIDEST_SHIFT
from shared.calendar.trading import TradingCalendar, send_select_calendar
from shared.connections.pipeline import PendingResult, pipelined_transaction
from shared.events.types import BarsFetched, BarsStored, Series
from shared.runtime import clock

_TRIES = 10
CLOCK_SKEW = timedelta(minutes=10)
"""A fetch dated further in the future would outrank every correct one until that time."""
_DAY = timedelta(days=1)
_YEARS = range(1900, 9000)


class StorePolicy(NamedTuple):
    """Policy for responses that disagree or lack bars."""

    priority: SourcePriority
    settles_after: timedelta


class StoreResult(NamedTuple):
    """Result of an event: the reply, whether the newest hour is complete, the new epoch if readers see a change."""

    stored: BarsStored
    hour_complete: bool
    epoch: int | None


class _Part(NamedTuple):
    """The bars of one source, stored and not, and whether anything in the database changed.

    *ranges* says whether a fetched range did.
    """

    valid: BarBatch
    rejected: list[RejectedBar]
    changes: BarChanges
    changed: bool
    ranges: PendingResult[bool] | None


class _Pending(NamedTuple):
    """Totals of an event, and the pending results for its hour and the new market version."""

    stored: BarsStored
    hour_complete: PendingResult[bool] | None
    epoch: PendingResult[int] | None


async def store_bars(
    connection: AsyncConnection, fetched: BarsFetched, origin: Origin, policy: StorePolicy
) -> StoreResult:
    """Store *fetched* in one transaction of *connection* (which has autocommit); idempotent."""
    for _ in range(_TRIES):
        try:
            async with pipelined_transaction(connection):
                pending = await _store(connection, fetched, origin, policy)
        except UniqueViolation as error:
            if error.diag.table_name != "bars":
                raise
            continue  # another store inserted one of our bars after we had looked
        complete = pending.hour_complete is not None and await pending.hour_complete.result()
        return StoreResult(pending.stored, complete, await pending.epoch.result() if pending.epoch else None)
    raise RuntimeError(f"concurrent inserts of the same bars conflicted {_TRIES} times")


async def _store(connection: AsyncConnection, fetched: BarsFetched, origin: Origin, policy: StorePolicy) -> _Pending:
    await begin_storing(connection)
    tickers_sent, market_sent = await send_select_tickers(connection), await _send_select_market(connection, fetched)
    tickers = await tickers_sent.result()
    market = await market_sent.result() if market_sent else TradingCalendar(())
    parts: list[_Part] = []
    summaries: list[BarsStored] = []
    for source in dict.fromkeys(series.source or fetched.source for series in fetched.series) or (fetched.source,):
        series = [one for one in fetched.series if (one.source or fetched.source) == source]
        part = await _store_source(connection, fetched, source, series, tickers, market, origin, policy)
        summary = _summary(fetched.interval, part)
        await add_to_totals(connection, source, summary)
        summaries.append(summary)
        parts.append(part)
    failed = await upsert_failures(connection, fetched, tickers.keys(), origin.trace_id)
    total = add_up(fetched.interval, summaries)
    complete = await send_is_complete(connection, total.last) if total.interval == "1h" and total.last else None
    changed = failed or any(part.changed for part in parts) or await _is_any(part.ranges for part in parts)
    return _Pending(total, complete, await send_raise_market_version(connection) if changed else None)


async def _is_any(sent: Iterable[PendingResult[bool] | None]) -> bool:
    """Return whether any result of *sent* is true; waits for the server."""
    for one in sent:
        if one and await one.result():
            return True
    return False


async def _store_source(
    connection: AsyncConnection,
    fetched: BarsFetched,
    source: str,
    series: Sequence[Series],
    tickers: dict[str, bool],
    market: TradingCalendar,
    origin: Origin,
    policy: StorePolicy,
) -> _Part:
    interval, at = fetched.interval, fetched.fetched_at.astimezone(UTC)
    rejected = [
        RejectedBar(one.ticker, bar.start and bar.start.astimezone(UTC), bar.text, Rejection(bar.reason, bar.detail))
        for one in series
        for bar in one.refused
    ]
    rejected += [
        RejectedBar(one.ticker, bar.start.astimezone(UTC), bar, Rejection(one.reason, one.detail))
        for one in series
        if one.reason
        for bar in one.bars
    ]
    bars = [(one.ticker, bar.start.astimezone(UTC), bar) for one in series if not one.reason for bar in one.bars]
    valid, invalid = validate_bars(bars, interval=interval, fetched_at=at, market=market, tickers=tickers)
    rejected += invalid
    changes, found = BarChanges(), False
    if valid:
        windows = {one.ticker: (one.start, one.end) for one in series}
        answer = FetchedAnswer(interval, FetchedBatch(source, at, valid), windows, market, origin)
        priority = policy.priority.until(clock.now() + CLOCK_SKEW)
        stored_sent = await send_select_stored_bars(connection, interval, valid, simulated=source == SIMULATED)
        splits_sent = await send_select_splits(connection, list(valid)) if answer.shows_splits else None
        stored, splits = await stored_sent.result(), await splits_sent.result() if splits_sent else {}
        rescaled = await rescale(connection, answer, stored, splits, priority)
        valid, jumped = _drop_jumps(interval, source, series, rescaled)
        rejected += [*rescaled.rejected, *jumped]
        found = bool(await record_jumps(connection, answer, valid, rescaled)) or rescaled.changed
        for ticker, bars in rescaled.unchecked.items():
            valid[ticker] = dict(sorted({**bars, **valid.get(ticker, {})}.items()))
        batch = FetchedBatch(source, at, valid)
        changes = await write_batch(connection, interval, batch, rescaled.stored, priority)
        await upsert_overlaps(connection, interval, batch, rescaled.stored)
    new = await insert_rejections(connection, interval, source, at, rejected, origin)
    asked = await upsert_fetched_ranges(
        connection, fetched, source, series, tickers.keys(), valid, market, policy.settles_after, origin.trace_id
    )
    return _Part(valid, rejected, changes, changes.is_visible or found or bool(new), asked)


async def _send_select_market(
    connection: AsyncConnection, fetched: BarsFetched
) -> PendingResult[TradingCalendar] | None:
    """Ask for the sessions that the bars and windows of *fetched* can lie in, under any clock."""
    at = fetched.fetched_at
    starts = [bar.start for one in fetched.series for bar in one.bars if bar.start < at and bar.start.year in _YEARS]
    starts += [one.start for one in fetched.series if one.start < at and one.start.year in _YEARS]
    if not starts:
        return None
    end = min(max(starts) + WIDEST_SHIFT + _DAY, at + _DAY)
    return await send_select_calendar(connection, min(starts) - _DAY, end)


def _drop_jumps(
    interval: str, source: str, series: Sequence[Series], rescaled: Rescaled
) -> tuple[BarBatch, list[RejectedBar]]:
    """Return the bars with plausible prices, and the others; simulated bars are compared among themselves."""
    levels = {
        ticker: {
            start: version.close
            for start, version in apply_divisors(
                {
                    start: bar.version
                    for start, bar in bars.items()
                    if (bar.version.source == SIMULATED) == (source == SIMULATED)
                },
                rescaled.waiting.get(ticker, ()),
            ).items()
        }
        for ticker, bars in rescaled.stored.items()
    }
    confirmed = {one.ticker for one in series if one.confirmed_by}
    return drop_jumps(rescaled.valid, levels, confirmed, interval=interval)


def _summary(interval: str, part: _Part) -> BarsStored:
    valid, changes = part.valid, part.changes
    return BarsStored(
        interval=interval,
        tickers=tuple(valid),
        first=min((next(iter(bars)) for bars in valid.values()), default=None),
        last=max((next(reversed(bars)) for bars in valid.values()), default=None),
        inserted=len(changes.new),
        revised=changes.revised,
        unchanged=sum(map(len, valid.values())) - len(changes.new) - changes.revised,
        rejected=len(part.rejected),
    )


def add_up(interval: str, summaries: Sequence[BarsStored]) -> BarsStored:
    """Return the sum of *summaries* of one event."""
    return BarsStored(
        interval=interval,
        tickers=tuple(dict.fromkeys(ticker for one in summaries for ticker in one.tickers)),
        first=min((one.first for one in summaries if one.first), default=None),
        last=max((one.last for one in summaries if one.last), default=None),
        inserted=sum(one.inserted for one in summaries),
        revised=sum(one.revised for one in summaries),
        unchanged=sum(one.unchanged for one in summaries),
        rejected=sum(one.rejected for one in summaries),
    )
