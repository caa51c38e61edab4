"""Plan of a bars tick: the missing bars, and the requests for them, most urgent first."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.ingest.gaps import (
    TICKER_BARS,
    FetchRequest,
    Gap,
    bar_end,
    drop_recent,
    find_gaps,
    ignore_simulated,
    plan_requests,
    replace_histories,
    sort_by_urgency,
)
from functions.ingest.queries import select_gaps, select_histories, select_refetches, select_unknown
from functions.ingest.settings import Settings
from functions.ingest.ticks import InvalidTick, TickWindow, requested_window
from shared.calendar.trading import TradingCalendar, select_calendar
from shared.events.types import Tick

_logger = logging.getLogger(__name__)

INTERVAL = "1h"

_NEIGHBOURS = timedelta(days=21)


class FetchPlan(NamedTuple):
    """Plan of a tick: gaps, most urgent first, and the requests for them, within the sessions of *market*."""

    gaps: list[Gap]
    requests: list[FetchRequest]
    market: TradingCalendar


async def plan_tick(
    connection: AsyncConnection, tick: Tick, settings: Settings, now: datetime, grace: timedelta
) -> FetchPlan:
    """Return the plan of *tick*; InvalidTick for an invalid one."""
    await asyncio.to_thread(lambda: settings.configuration)  # reads files, and knows them afterwards
    tickers = None if tick.tickers is None else [ticker.upper() for ticker in tick.tickers]
    window = requested_window(tick, now, settings.history_sessions)
    if tickers and (unknown := await select_unknown(connection, tickers)):
        raise InvalidTick(f"tickers: {', '.join(sorted(unknown))}: not tracked")
    if window is None:
        return await _plan_newest(connection, tickers, settings, now, grace)
    return await _plan_window(connection, tickers, window, tick, settings, now, grace)


async def _plan_newest(
    connection: AsyncConnection, tickers: Sequence[str] | None, settings: Settings, now: datetime, grace: timedelta
) -> FetchPlan:
    """Plan requests for bars after the newest stored ones, and before them where it is time to ask again."""
    histories = [
        one
        for one in await select_histories(connection, INTERVAL, now, settings.configuration)
        if (tickers is None or one.ticker in tickers) and not one.pausing
    ]
    if not settings.only_simulated:
        histories = ignore_simulated(histories)
    history = now - _sessions(settings.history_sessions)
    refetches = await select_refetches(connection, INTERVAL)
    first = min([history, *refetches.values(), *(one.newest for one in histories if one.newest)]) - _NEIGHBOURS
    market = await select_calendar(connection, first, now)
    newest = market.last_finished_bar(INTERVAL, now, grace)
    if newest is None:
        _logger.warning("no session has a finished bar by %s: has the migration run?", now.isoformat())
        return FetchPlan([], [], market)
    expected = market.starts(INTERVAL, first, newest + timedelta(microseconds=1))
    opening = _opening(market, newest, settings.history_sessions)
    gaps = find_gaps(histories, expected, opening)
    finished_at = bar_end(market, INTERVAL, newest) + grace
    gaps = sort_by_urgency(drop_recent(gaps, finished_at, now), finished_at)
    if again := [one.ticker for one in histories if one.rechecks]:
        wanted = [start for start in expected if start >= opening]
        holes = await select_gaps(
            connection, INTERVAL, again, wanted, now, settings.configuration, simulated=settings.only_simulated
        )
        # Not only the newest bars: a response that lacks an old bar postpones its next request.
        gaps = [gap for gap in gaps if gap.ticker not in again]
        gaps += [gap._replace(source=None) if gap.source == "simulated" else gap for gap in holes]
    if refetches:
        gaps = replace_histories(gaps, histories, refetches, expected)
    return FetchPlan(gaps, plan_requests(gaps, expected, market, INTERVAL), market)


async def _plan_window(
    connection: AsyncConnection,
    tickers: Sequence[str] | None,
    window: TickWindow,
    tick: Tick,
    settings: Settings,
    now: datetime,
    grace: timedelta,
) -> FetchPlan:
    """Plan requests for bars missing in *window*, at its ends or inside, or the whole of it again."""
    first = window.start or window.end - _sessions(window.sessions or 1)
    market = await select_calendar(connection, first - _NEIGHBOURS, window.end)
    newest = market.last_finished_bar(INTERVAL, now, grace)
    if newest is None:
        return FetchPlan([], [], market)
    start = window.start or _opening(market, newest, window.sessions or 1)
    expected = market.starts(INTERVAL, start, min(window.end, newest + timedelta(microseconds=1)))
    if not expected:
        return FetchPlan([], [], market)
    if tick.again and len(expected) > TICKER_BARS:
        raise InvalidTick(f"again: the window has {len(expected)} hours, at most {TICKER_BARS} are fetched again")
    asked_before = min(tick.requested_before or now, now)
    gaps = await select_gaps(
        connection,
        INTERVAL,
        tickers,
        expected,
        now,
        settings.configuration,
        simulated=settings.only_simulated,
        asked_before=None if window.sessions else asked_before,
        again=tick.again,
    )
    gaps = sort_by_urgency(gaps, asked_before)
    return FetchPlan(gaps, plan_requests(gaps, expected, market, INTERVAL, overlap=0), market)


def _sessions(count: int) -> timedelta:
    """Return a span that holds *count* sessions: of 365 days 250 at least are."""
    return timedelta(days=count * 1.5)


def _opening(market: TradingCalendar, newest: datetime, sessions: int) -> datetime:
    """Return when the first of the newest *sessions* opened, as far as *market* reaches."""
    opened = [session.opens for session in market.sessions if session.opens <= newest]
    return opened[max(len(opened) - sessions, 0)]
