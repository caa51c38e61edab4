"""A bars tick: find what is missing, fetch what the budget allows now, keep what can be a bar."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from psycopg import AsyncConnection

from functions.ingest.gaps import (
    FetchRequest,
    Gap,
    bar_end,
    drop_recent,
    find_gaps,
    ignore_simulated,
    plan_requests,
    sort_by_urgency,
)
from functions.ingest.providers import FetchResult, NoCredits, Provider, ProviderError
from functions.ingest.queries import select_gaps, select_histories, select_unknown
from functions.ingest.settings import Settings
from functions.ingest.ticks import InvalidTick, Window, requested_window
from shared.calendar.queries import select_calendar
from shared.calendar.trading import TradingCalendar
from shared.connections.postgres import ConnectionPool
from shared.events.types import Bar, BarsFetched, Series, Tick
from shared.http.problem import Problem
from shared.runtime import clock

_logger = logging.getLogger(__name__)

INTERVAL = "1h"
EVENT_BYTES = 1_000_000
"""Of an event's data, so that all of it stays under 1 MiB."""
JUMP = Decimal("1.5")
"""A change of price by this factor from one bar to the next is believed only with a second source."""

_NEIGHBOURS = timedelta(days=21)
_ASKED_LATELY = timedelta(minutes=10)


class FetchPlan(NamedTuple):
    """What is missing, most urgent first, and what to ask for, within the sessions of *market*."""

    gaps: list[Gap]
    asks: list[FetchRequest]
    market: TradingCalendar


async def fetch_bars(
    tick: Tick, pool: ConnectionPool, settings: Settings, provider: Callable[[str], Provider]
) -> BarsFetched | None:
    """Return the event that tells of the missing bars that could be fetched now, None when there are none.

    InvalidTick for a tick that can never be done; Problem 503 when every provider failed.
    """
    now = clock.now()
    grace = timedelta(seconds=settings.bar_grace_seconds)
    async with pool.connection() as connection:
        due = await _plan(connection, tick, settings, now, grace)
    if not due.asks:
        _log(due)
        return None
    fetched = await _fetch(due, settings, provider)
    if fetched is None:
        _log(due)
        return None
    name, answer = fetched
    series: list[Series] = []
    told = 0
    for ask, bars in answer.bars.items():
        told += len(bars)
        kept = drop_unusable(ask, bars, due.market, now, grace)
        series.append(Series(ticker=ask.ticker, start=ask.start, end=ask.end, bars=tuple(kept)))
    kept = sum(len(one.bars) for one in series)
    _log(due, len(series), answer.credits, kept, told - kept, name)
    series = truncate(await _confirm(series, settings), EVENT_BYTES)
    return BarsFetched(interval=INTERVAL, source=name, fetched_at=now, series=tuple(series))


def drop_unusable(
    ask: FetchRequest, bars: Iterable[Bar], market: TradingCalendar, now: datetime, grace: timedelta
) -> list[Bar]:
    """Return those of *bars* that were asked for, lie on the grid of a session, and are finished.

    Whether their prices make sense is for store to say, which keeps a record of what it refuses.
    """
    kept: list[Bar] = []
    for bar in bars:
        session = market.session_at(bar.start)
        if (
            session is not None
            and ask.start <= bar.start < ask.end
            and session.has_bar_at(INTERVAL, bar.start)
            and session.end(INTERVAL, bar.start) + grace <= now
        ):
            kept.append(bar)
    return kept


def has_jump(bars: Sequence[Bar]) -> bool:
    """Tell whether the newest of *bars* closes so far from the one before that a second source should be asked."""
    if len(bars) < 2:
        return False
    before, newest = bars[-2].close, bars[-1].close
    if before is None or newest is None or not (before.is_finite() and newest.is_finite()) or min(before, newest) <= 0:
        return False
    return max(before, newest) >= JUMP * min(before, newest)


def truncate(series: Iterable[Series], limit: int) -> list[Series]:
    """Return as much of *series* as *limit* bytes of JSON hold; the last one's window ends where it was cut."""
    kept: list[Series] = []
    for one in series:
        size = len(msgspec.json.encode(one)) + 1
        if size <= limit:
            kept.append(one)
            limit -= size
            continue
        # The last bar goes too, so that the estimate by the mean is on the safe side.
        count = len(one.bars) * limit // size - 1
        if count > 0:
            end = one.bars[count].start
            bars = tuple(bar for bar in one.bars[:count] if bar.start < end)
            kept.append(replace(one, end=end, bars=bars))
        _logger.warning("cut at %d bytes, the next tick goes on with %s", EVENT_BYTES, one.ticker)
        break
    return kept


async def _plan(
    connection: AsyncConnection, tick: Tick, settings: Settings, now: datetime, grace: timedelta
) -> FetchPlan:
    tickers = None if tick.tickers is None else [ticker.upper() for ticker in tick.tickers]
    window = requested_window(tick, now, settings.history_sessions)
    if tickers and (unknown := await select_unknown(connection, tickers)):
        raise InvalidTick(f"tickers: {', '.join(sorted(unknown))}: not tracked")
    if window is None:
        return await _plan_newest(connection, tickers, settings, now, grace)
    return await _plan_window(connection, tickers, window, settings, now, grace)


async def _plan_newest(
    connection: AsyncConnection, tickers: Sequence[str] | None, settings: Settings, now: datetime, grace: timedelta
) -> FetchPlan:
    """Find what is missing after the newest stored bars."""
    history_of = [
        one for one in await select_histories(connection, INTERVAL) if tickers is None or one.ticker in tickers
    ]
    if not settings.invents:
        history_of = ignore_simulated(history_of)
    history = now - _sessions(settings.history_sessions)
    first = min([history, *(one.newest for one in history_of if one.newest)]) - _NEIGHBOURS
    market = await select_calendar(connection, first, now)
    newest = market.last_finished_bar(INTERVAL, now, grace)
    if newest is None:
        _logger.warning("no session has a finished bar by %s: has the migration run?", now.isoformat())
        return FetchPlan([], [], market)
    expected = market.starts(INTERVAL, first, newest + timedelta(microseconds=1))
    gaps = find_gaps(history_of, expected, _opening(market, newest, settings.history_sessions))
    finished_at = bar_end(market, INTERVAL, newest) + grace
    gaps = sort_by_urgency(drop_recent(gaps, finished_at, now), finished_at)
    return FetchPlan(gaps, plan_requests(gaps, expected, market, INTERVAL), market)


async def _plan_window(
    connection: AsyncConnection,
    tickers: Sequence[str] | None,
    window: Window,
    settings: Settings,
    now: datetime,
    grace: timedelta,
) -> FetchPlan:
    """Find what is missing in *window*, at its ends or inside."""
    first = window.start or window.end - _sessions(window.sessions or 1)
    market = await select_calendar(connection, first - _NEIGHBOURS, window.end)
    newest = market.last_finished_bar(INTERVAL, now, grace)
    if newest is None:
        return FetchPlan([], [], market)
    start = window.start or _opening(market, newest, window.sessions or 1)
    expected = market.starts(INTERVAL, start, min(window.end, newest + timedelta(microseconds=1)))
    if not expected:
        return FetchPlan([], [], market)
    gaps = await select_gaps(connection, INTERVAL, tickers, expected, simulated=settings.invents)
    gaps = sort_by_urgency(gaps, now - _ASKED_LATELY)
    return FetchPlan(gaps, plan_requests(gaps, expected, market, INTERVAL, overlap=0), market)


def _sessions(count: int) -> timedelta:
    """Return a span that holds *count* sessions: of 365 days 250 at least are."""
    return timedelta(days=count * 1.5)


def _opening(market: TradingCalendar, newest: datetime, sessions: int) -> datetime:
    """Return when the first of the newest *sessions* opened, as far as *market* reaches."""
    opened = [session.opens for session in market.sessions if session.opens <= newest]
    return opened[max(len(opened) - sessions, 0)]


async def _fetch(
    due: FetchPlan, settings: Settings, provider: Callable[[str], Provider]
) -> tuple[str, FetchResult] | None:
    """Return the first provider that can serve anything, and its answer; None when none may be asked now."""
    real = {gap.ticker for gap in due.gaps if gap.source not in (None, "simulated")}
    failures: list[str] = []
    for name in settings.order:
        # Invented bars never continue real ones.
        asks = [ask for ask in due.asks if name != "simulated" or ask.ticker not in real]
        if not asks:
            _logger.warning("simulated: keeps away from %d tickers that have real bars", len(due.asks))
            continue
        try:
            return name, await provider(name).fetch(asks, INTERVAL, due.market)
        except NoCredits:
            _logger.info("%s: no credits are left for now", name)
        except ProviderError as failure:
            _logger.error("%s", failure)
            failures.append(str(failure))
    if failures:
        _log(due)
        raise Problem(
            503, "providers-failed", "No provider could serve", f"{len(due.asks)} tickers are due. See the log."
        )
    return None


async def _confirm(series: Sequence[Series], settings: Settings) -> list[Series]:
    """Return *series*, with the second source's name where a jump of the newest bar was confirmed by it."""
    jumped = {one.ticker: one.bars[-1] for one in series if has_jump(one.bars)}
    if not jumped or settings.finnhub_api_key is None:
        return list(series)
    from functions.ingest.providers import finnhub  # few ticks need it

    confirmed = await finnhub.confirm(settings, jumped)
    return [replace(one, confirmed_by=finnhub.NAME) if one.ticker in confirmed else one for one in series]


def _log(
    due: FetchPlan, asked: int = 0, spent: int = 0, bars: int = 0, dropped: int = 0, name: str | None = None
) -> None:
    _logger.info(
        "bars: due=%d asked=%d credits=%d bars=%d dropped=%d provider=%s",
        *(len(due.gaps), asked, spent, bars, dropped, name),
    )
