"""Absence: why a response has no items, and from when on there may be some."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.market_state import HOURLY, MarketState
from functions.api.parameters import History
from functions.api.rejection_reasons import reason
from shared.calendar.trading import TradingCalendar, select_calendar
from shared.http.response_data import Reason, absence_reason, rfc3339

_NOT_BEGUN = "No session in the window has begun yet."
_AHEAD = timedelta(days=50)
"""Far enough for the first session of the next month."""
_SESSIONS = 30
_TICKERS = 50
"""Newest sessions of a window, and tickers, whose bars are looked at one by one."""


class _Facts(NamedTuple):
    """Oldest stored bar of the tickers, and the missing bars of the window counted by reason."""

    oldest_start: datetime | None
    not_fetched: int
    none_at_provider: int
    rejected: int
    rejection: str | None


def nothing_stored(state: MarketState, tickers: Sequence[str] | None = None) -> Reason:
    """Return the reason where no bar of *tickers* is stored, or of those that are tracked if None."""
    names = _names(tickers) if tickers else "any ticker"
    if tickers and not set(tickers) & set(state.active):
        return absence_reason("not-tracked-then", f"No longer tracked: {names}.")
    return absence_reason("not-fetched", f"No bar of {names} has been fetched yet.", state.next_update_at or state.now)


async def explain_sessions(
    connection: AsyncConnection, state: MarketState, first: datetime | None, end: datetime | None
) -> Reason:
    """Return why no session of [first, end) has begun: it lies ahead, or the exchange is closed."""
    first = first or state.now
    end = end or first + _AHEAD
    calendar = await select_calendar(connection, first, end)
    if calendar.sessions:
        return absence_reason("future", _NOT_BEGUN, calendar.sessions[0].opens)
    return await _explain_closing(connection, first, end)


async def _explain_closing(connection: AsyncConnection, first: datetime, end: datetime) -> Reason:
    """Return why no session lies in [first, end)."""
    cursor = await connection.execute("SELECT min(opens), max(closes) FROM sessions")
    oldest, newest = await cursor.fetchone() or (None, None)
    if oldest is None or newest is None or end <= oldest or first >= newest:
        return absence_reason("beyond-calendar", "The trading calendar of this installation does not reach the window.")
    return absence_reason(
        "market-closed", "The exchange has no session in the window: a weekend, a holiday or a night."
    )


async def explain_bars(
    connection: AsyncConnection,
    state: MarketState,
    query: History,
    tickers: Sequence[str],
    open_from: datetime | None,
) -> Reason:
    """Return why there are no bars of *tickers* for *query*, none being shown from before *open_from*."""
    names = _names(tickers)
    if query.cursor:
        return absence_reason("last-page", "There are no more bars beyond this cursor.")
    opens = None
    if query.start:
        end = query.end or query.start + _AHEAD
        sessions = (await select_calendar(connection, query.start, end)).sessions
        if not sessions:
            return await _explain_closing(connection, query.start, end)
        opens = sessions[0].opens
    if query.as_of and query.as_of <= state.now:
        where = f" and without a token history begins at {rfc3339(open_from)}" if open_from else ""
        return absence_reason("not-fetched-then", f"Nothing of {names} in the window had been fetched by then{where}.")
    if not set(tickers) & set(state.active):
        where = f" With a token, history before {rfc3339(open_from)} is shown too." if open_from else ""
        return absence_reason("not-tracked-then", f"No longer tracked: {names}.{where}")
    due = await _next_due(connection, state, query)
    if opens and opens > state.now:
        return absence_reason("future", _NOT_BEGUN, due)
    first, end = query.start or open_from, query.end or state.now
    known = await _select_facts(connection, tickers, first, end, state)
    if known.oldest_start is None:
        return nothing_stored(state, tickers)
    if query.end and query.end <= known.oldest_start:
        return absence_reason(
            "before-history", f"The stored history of {names} begins at {rfc3339(known.oldest_start)}."
        )
    return _missing(state, names, known, due)


def _missing(state: MarketState, names: str, known: _Facts, due: datetime | None) -> Reason:
    """Return why a window in which a session has begun has no bars; *due* is when the next one is expected."""
    if known.not_fetched:
        return absence_reason(
            "not-fetched", f"Bars of {names} have not been requested yet.", state.next_update_at or state.now
        )
    if known.rejected >= max(known.none_at_provider, 1):
        found = reason(known.rejection or "")
        return absence_reason("rejected", f"Bars of {names} were refused: {found.text}. {found.advice}", due)
    if known.none_at_provider:
        return absence_reason("not-at-provider", f"A provider was asked for these bars of {names} and had none.", due)
    if due:
        return absence_reason("not-finished", "The first bar of the window has not finished.", due)
    return absence_reason("no-bar-starts", f"No bar of {names} starts within the window.")


async def _next_due(connection: AsyncConnection, state: MarketState, query: History) -> datetime | None:
    """Return when the first bar of the query that has not finished will have, or its first hour for longer bars."""
    first, end = query.start or state.now, query.end or datetime.max.replace(tzinfo=state.now.tzinfo)
    if end <= state.now - timedelta(hours=1) - state.grace:
        return None
    after = max(first, state.now - timedelta(hours=1))
    calendar = await select_calendar(connection, after - _AHEAD, after + _AHEAD)
    for start, due in _starts(calendar, query.interval, state.grace):
        if first <= start < end and due > state.now:
            return due
    return None


def _starts(calendar: TradingCalendar, interval: str, grace: timedelta) -> list[tuple[datetime, datetime]]:
    """Return the starts of bars of *interval*, each with the instant at which its first hour counts as finished."""
    found = {start: session for session in calendar.sessions for start in session.starts(HOURLY)}
    return [(start, found[start].end(HOURLY, start) + grace) for start in period_starts(calendar, interval)]


def period_starts(calendar: TradingCalendar, interval: str) -> list[datetime]:
    """Return the starts of the bars of *interval* that *calendar* calls for, in order."""
    found: list[datetime] = []
    last: object = None
    for session in calendar.sessions:
        day = session.date
        period = {"1w": day.isocalendar()[:2], "1mo": (day.year, day.month)}.get(interval, day)
        found += [*session.starts(HOURLY)] if interval == HOURLY else [session.opens] if period != last else []
        last = period
    return found


def _names(tickers: Sequence[str]) -> str:
    return tickers[0] if len(tickers) == 1 else "these tickers"


async def _select_facts(
    connection: AsyncConnection, tickers: Sequence[str], first: datetime | None, end: datetime, state: MarketState
) -> _Facts:
    """Return the known facts about the bars of *tickers* that start within [first, end) and have finished."""
    cursor = connection.cursor(row_factory=class_row(_Facts))
    await cursor.execute(
        """
        WITH cell AS (
             SELECT *
               FROM coverage_of(ARRAY (SELECT opens
                                         FROM sessions
                                        WHERE closes > coalesce(%(first)s, '-infinity'::timestamptz)
                                          AND opens < least(%(end)s, %(now)s)
                                        ORDER BY opens DESC
                                        LIMIT %(sessions)s), %(some)s, %(finished)s)
              WHERE start >= coalesce(%(first)s, '-infinity'::timestamptz)
                AND start < %(end)s
        )
        SELECT (SELECT min(start)
                  FROM unnest(%(tickers)s::text[]) AS name,
                       LATERAL (SELECT start
                                  FROM bars
                                 WHERE ticker = name
                                   AND interval = '1h'
                                 ORDER BY start
                                 LIMIT 1) AS bar) AS oldest_start,
               count(*) FILTER (WHERE state = 'not_fetched') AS not_fetched,
               count(*) FILTER (WHERE state = 'none_at_provider') AS none_at_provider,
               count(*) FILTER (WHERE state = 'rejected') AS rejected,
               (SELECT rejection_of(ticker, start, "end") FROM cell WHERE state = 'rejected' LIMIT 1) AS rejection
          FROM cell
        """,
        {
            "tickers": list(tickers),
            "some": list(tickers[:_TICKERS]),
            "first": first,
            "end": end,
            "now": state.now,
            "finished": state.now - state.grace,
            "sessions": _SESSIONS,
        },
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row
