"""Turn an answer of a provider into rows: believe or reject each bar, insert, revise or leave alone, all or nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.store.bars import (
    Around,
    Key,
    Stored,
    Superseded,
    insert_bars,
    is_hour_complete,
    select_around,
    select_stored,
    select_superseded,
    update_bars,
    upsert_superseded,
)
from functions.store.check import Bad, Good, sift
from functions.store.history import SIMULATED, Trust, Version, place, touches_last_only
from functions.store.jumps import Link, find_jumps
from functions.store.rejections import insert_rejections
from functions.store.tickers import select_tickers
from functions.store.windows import upsert_windows
from shared.epoch import bump_epoch
from shared.events import BarsFetched, BarsStored
from shared.market import LENGTHS
from shared.sessions import select_market

_TRIES = 10
_DAY = timedelta(days=1)


class Kept(NamedTuple):
    """What came of an event: its successor, whether the newest hour is complete, the epoch if readers see a change."""

    stored: BarsStored
    hour_complete: bool
    epoch: int | None


class Changes(NamedTuple):
    """What the believed bars of a batch make of the stored ones, each list by key."""

    new: list[tuple[Key, Version]]
    moved: list[tuple[Key, Stored]]
    past: list[Superseded]
    revised: int
    news: bool
    """Whether a reader could see any of it; that the same was seen again is none."""


class _RacedError(Exception):
    """Another store inserted one of our bars after we had looked."""


async def keep_bars(
    connection: AsyncConnection,
    fetched: BarsFetched,
    *,
    event_id: str,
    trace_id: str | None,
    trust: Trust,
    settles_after: timedelta,
) -> Kept:
    """Keep *fetched*, the same event twice like once, in one transaction of *connection* (which has autocommit)."""
    for _ in range(_TRIES):
        try:
            async with connection.transaction():
                return await _keep(connection, fetched, event_id, trace_id, trust, settles_after)
        except _RacedError:
            continue
    raise RuntimeError(f"other stores were faster {_TRIES} times")


async def _keep(
    connection: AsyncConnection,
    fetched: BarsFetched,
    event_id: str,
    trace_id: str | None,
    trust: Trust,
    settles_after: timedelta,
) -> Kept:
    interval, fetched_at, simulated = fetched.interval, fetched.fetched_at, fetched.source == SIMULATED
    tickers = await select_tickers(connection)
    starts = [bar.start for series in fetched.series for bar in series.bars if bar.start < fetched_at]
    market = await select_market(connection, min(starts, default=fetched_at), max(starts, default=fetched_at) + _DAY)
    good, bad = sift(
        fetched.series,
        interval=interval,
        fetched_at=fetched_at,
        market=market,
        active={ticker for ticker, active in tickers.items() if active},
        inactive={ticker for ticker, active in tickers.items() if not active},
    )
    changes = Changes([], [], [], 0, False)
    if good:
        around = await select_around(connection, interval, good, simulated=simulated)
        stored = await select_stored(connection, interval, good)
        confirmed = {series.ticker for series in fetched.series if series.confirmed_by}
        good, jumped = _without_jumps(good, stored, around, confirmed, simulated=simulated)
        bad += jumped
        told = {
            (ticker, bar.start): Version(*bar[1:], fetched.source, fetched_at, fetched_at)
            for ticker in sorted(good)
            for bar in good[ticker]
        }
        changes = _compare(told, stored, await _histories(connection, interval, told, stored, trust), trust)
        if changes.new and await insert_bars(connection, interval, changes.new) < len(changes.new):
            raise _RacedError
        if changes.moved:
            await update_bars(connection, interval, changes.moved)
        if changes.past:
            await upsert_superseded(connection, interval, changes.past)
    news = changes.news
    if bad and await insert_rejections(
        connection,
        bad,
        interval=interval,
        source=fetched.source,
        event_id=event_id,
        trace_id=trace_id,
        fetched_at=fetched_at,
    ):
        news = True
    asked = [series for series in fetched.series if series.ticker in tickers and interval in LENGTHS]
    if asked and await upsert_windows(
        connection,
        asked,
        interval=interval,
        fetched_at=fetched_at,
        # Invented bars say nothing about what a provider has.
        settles_after=None if simulated else settles_after,
        trace_id=trace_id,
    ):
        news = True
    last = max((bars[-1].start for bars in good.values() if bars), default=None)
    summary = BarsStored(
        interval=interval,
        tickers=tuple(sorted(ticker for ticker, bars in good.items() if bars)),
        first=min((bars[0].start for bars in good.values() if bars), default=None),
        last=last,
        inserted=len(changes.new),
        revised=changes.revised,
        unchanged=sum(map(len, good.values())) - len(changes.new) - changes.revised,
        rejected=len(bad),
    )
    complete = interval == "1h" and last is not None and await is_hour_complete(connection, last)
    return Kept(summary, complete, await bump_epoch(connection) if news else None)


def _without_jumps(
    good: Mapping[str, list[Good]],
    stored: Mapping[Key, Stored],
    around: Sequence[Around],
    confirmed: set[str],
    *,
    simulated: bool,
) -> tuple[dict[str, list[Good]], list[Bad]]:
    """Return the bars whose level is believed, and the others; invented bars are judged by invented ones only."""
    levels: dict[str, dict[datetime, Link]] = {ticker: {} for ticker in good}
    for ticker, before_start, before_close, after_start, after_close in around:
        if before_start:
            levels[ticker][before_start] = Link(before_start, before_close, None)
        if after_start:
            levels[ticker][after_start] = Link(after_start, after_close, None)
    for (ticker, start), (version, _) in stored.items():
        if (version.source == SIMULATED) == simulated:
            levels[ticker][start] = Link(start, version.close, None)
    believed: dict[str, list[Good]] = {}
    bad: list[Bad] = []
    for ticker, bars in good.items():
        links = levels[ticker]
        for bar in bars:
            known = links.get(bar.start)
            links[bar.start] = Link(bar.start, known and known.stored, bar.close)
        faults = find_jumps([links[start] for start in sorted(links)], confirmed=ticker in confirmed)
        believed[ticker] = [bar for bar in bars if bar.start not in faults] if faults else bars
        bad += [Bad(ticker, bar, faults[bar.start]) for bar in bars if bar.start in faults]
    return believed, bad


async def _histories(
    connection: AsyncConnection,
    interval: str,
    told: Mapping[Key, Version],
    stored: Mapping[Key, Stored],
    trust: Trust,
) -> Mapping[Key, list[Version]]:
    """Return what stands behind those bars for which it matters: few, as answers rarely arrive late."""
    late = [
        key
        for key, version in told.items()
        if key in stored and stored[key].revision and not touches_last_only(stored[key].version, version, trust)
    ]
    return await select_superseded(connection, interval, late) if late else {}


def _compare(
    told: Mapping[Key, Version], stored: Mapping[Key, Stored], histories: Mapping[Key, list[Version]], trust: Trust
) -> Changes:
    """Return what *told* changes. Where no history is given, only the standing version can be touched."""
    changes = Changes([], [], [], 0, False)
    revised, news = 0, False
    for key, version in told.items():
        if key not in stored:
            changes.new.append((key, version))
            news = True
            continue
        standing, revision = stored[key]
        known = [*histories.get(key, ()), standing]
        placed = place(known, version, trust)
        if placed == known:
            continue
        oldest = revision + 1 - len(known)
        changes.moved.append((key, Stored(placed[-1], oldest + len(placed) - 1)))
        changes.past.extend(
            Superseded(key, oldest + index, past, following.received_at)
            for index, (past, following) in enumerate(pairwise(placed))
        )
        revised += not placed[-1].says(standing)
        news |= placed[-1]._replace(seen_at=standing.seen_at) != standing or len(placed) > len(known)
    return changes._replace(revised=revised, news=news)
