"""Bars tick: find what is missing, fetch what the budget allows now, send everything that came to store."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    replace_histories,
    sort_by_urgency,
)
from functions.ingest.providers import FetchResult, NoCredits, Provider, ProviderError
from functions.ingest.publication import clock_offsets
from functions.ingest.queries import select_gaps, select_histories, select_refetches, select_unknown
from functions.ingest.settings import Settings
from functions.ingest.ticks import InvalidTick, Window, requested_window
from shared.calendar.trading import TradingCalendar, select_calendar
from shared.connections.postgres import ConnectionPool
from shared.events.types import Bar, BarsFetched, FetchFailure, Series, Tick
from shared.http.problem import Problem
from shared.runtime import clock
from shared.runtime.clock_check import TOLERANCE_SECONDS, offset_seconds, warn

_logger = logging.getLogger(__name__)

INTERVAL = "1h"
EVENT_BYTES = 1_000_000
"""Of an event's data, so that all of it stays under 1 MiB."""
JUMP = Decimal("1.5")
"""A change of price by this factor from one bar to the next is believed only with a second source."""

_NEIGHBOURS = timedelta(days=21)
_ASKED_LATELY = timedelta(hours=1)
_LATE = timedelta(minutes=30)
"""A bar that ended so long ago is late at a provider that lacks it."""


class FetchPlan(NamedTuple):
    """Plan of a tick: gaps, most urgent first, and the requests for them, within the sessions of *market*."""

    gaps: list[Gap]
    requests: list[FetchRequest]
    market: TradingCalendar


async def fetch_bars(
    tick: Tick, pool: ConnectionPool, settings: Settings, provider: Callable[[str], Provider]
) -> BarsFetched | None:
    """Return the event with the missing bars that could be fetched now, None when there are none.

    InvalidTick for a tick that can never be done; Problem 503 when every provider failed.
    """
    now = clock.now()
    grace = timedelta(seconds=settings.bar_grace_seconds)
    async with pool.connection() as connection:
        plan = await _plan(connection, tick, settings, now, grace)
    results = await _fetch(plan, settings, provider, now) if plan.requests else {}
    fetched_at = _trusted_time(results, now)
    series = [
        Series(
            ticker=request.ticker,
            start=request.start,
            end=request.end,
            bars=tuple(drop_unfinished(bars, plan.market, now, grace, result.served_at)),
            source=None if name == next(iter(results)) else name,
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
        source=next(iter(results)),
        fetched_at=fetched_at,
        series=tuple(truncate(await _confirm(series, settings), EVENT_BYTES)),
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


def has_jump(bars: Sequence[Bar]) -> bool:
    """Return whether the newest of *bars* closes so far from the one before that a second source should be asked."""
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
            # Bars that nobody asked for may lie anywhere.
            end = max(one.start, min(one.bars[count].start, one.end))
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
    """Plan what is missing after the newest stored bars, and before them where it is time to ask again."""
    histories = [
        one
        for one in await select_histories(connection, INTERVAL, now, settings.configuration)
        if (tickers is None or one.ticker in tickers) and not one.pausing
    ]
    if not settings.invents:
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
            connection, INTERVAL, again, wanted, now, settings.configuration, simulated=settings.invents
        )
        # Instead of the newest bars alone: the answer that lacks an old bar postpones the next question for it.
        gaps = [gap for gap in gaps if gap.ticker not in again]
        gaps += [gap._replace(source=None) if gap.source == "simulated" else gap for gap in holes]
    if refetches:
        gaps = replace_histories(gaps, histories, refetches, expected)
    return FetchPlan(gaps, plan_requests(gaps, expected, market, INTERVAL), market)


async def _plan_window(
    connection: AsyncConnection,
    tickers: Sequence[str] | None,
    window: Window,
    settings: Settings,
    now: datetime,
    grace: timedelta,
) -> FetchPlan:
    """Plan what is missing in *window*, at its ends or inside."""
    first = window.start or window.end - _sessions(window.sessions or 1)
    market = await select_calendar(connection, first - _NEIGHBOURS, window.end)
    newest = market.last_finished_bar(INTERVAL, now, grace)
    if newest is None:
        return FetchPlan([], [], market)
    start = window.start or _opening(market, newest, window.sessions or 1)
    expected = market.starts(INTERVAL, start, min(window.end, newest + timedelta(microseconds=1)))
    if not expected:
        return FetchPlan([], [], market)
    gaps = await select_gaps(
        connection,
        INTERVAL,
        tickers,
        expected,
        now,
        settings.configuration,
        simulated=settings.invents,
        asked_before=None if window.sessions else now - _ASKED_LATELY,
    )
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
    plan: FetchPlan, settings: Settings, provider: Callable[[str], Provider], now: datetime
) -> dict[str, FetchResult]:
    """Return the result of each provider that was asked, in order; {} when none may be asked now.

    A ticker that one fails to serve, or lacks a bar of that has long ended, is asked of the next.
    """
    gaps = {gap.ticker: gap for gap in plan.gaps}
    real = {gap.ticker for gap in plan.gaps if gap.source not in (None, "simulated")}
    results: dict[str, FetchResult] = {}
    failures: list[str] = []
    waiting = plan.requests
    for name in settings.order:
        # Invented bars never continue real ones.
        requests = [one for one in waiting if name != "simulated" or one.ticker not in real]
        if not requests:
            continue
        try:
            result = await provider(name).fetch(requests, INTERVAL, plan.market)
        except NoCredits:
            _logger.info("%s: no credits are left for now", name)
            continue
        except ProviderError as failure:
            _logger.error("%s", failure)
            failures.append(str(failure))
            continue
        results[name] = result
        waiting = [
            one
            for one in requests
            if one in result.failures
            or (one in result.bars and _lacks(gaps[one.ticker], one, result, plan.market, now - _LATE))
        ]
    if failures and not results:
        raise Problem(
            503, "providers-failed", "No provider could serve", f"{len(plan.requests)} tickers are due. See the log."
        )
    return results


def _lacks(gap: Gap, request: FetchRequest, result: FetchResult, market: TradingCalendar, ended_by: datetime) -> bool:
    """Return whether *result* lacks a bar of *gap* that had ended by *ended_by*, or may not be stored."""
    if request in result.mislabelled:
        return True
    present = {bar.start for bar in result.bars[request]}
    first, last = max(gap.first, request.start), min(gap.last + timedelta(microseconds=1), request.end)
    return any(
        start not in present and bar_end(market, INTERVAL, start) <= ended_by
        for start in market.starts(INTERVAL, first, last)
    )


async def _confirm(series: Sequence[Series], settings: Settings) -> list[Series]:
    """Return *series*, with the second source's name where a jump of the newest bar was confirmed by it."""
    jumped = {one.ticker: one.bars[-1] for one in series if has_jump(one.bars)}
    if not jumped or settings.finnhub_api_key is None:
        return list(series)
    from functions.ingest.providers import finnhub  # few ticks need it

    confirmed = await finnhub.confirm(settings, jumped)
    return [replace(one, confirmed_by=finnhub.NAME) if one.ticker in confirmed else one for one in series]


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
