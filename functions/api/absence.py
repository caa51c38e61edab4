"""Absence: why a response has no items, and when it makes sense to ask again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.market_state import HOURLY, MarketState
from functions.api.parameters import TickerBars, Window
from functions.api.rejection_reasons import reason
from shared.calendar.trading import LENGTHS
from shared.http.response_data import Reason, absent, rfc3339

_SESSIONS = 30
"""Sessions of a window that are looked at: its bars are absent for one reason as a rule."""


class _Facts(NamedTuple):
    """What is known of the tickers of a query, and of the sessions of its window."""

    oldest_start: datetime | None
    first_received_at: datetime | None
    ended_at: datetime | None
    first_opens: datetime | None
    last_closes: datetime | None
    state: str | None
    rejection: str | None


def nothing_stored(state: MarketState) -> Reason:
    """Return the reason where no bar is stored at all."""
    return absent("not-fetched", "No bar has been fetched yet.", state.next_update_at or state.now)


def outside_sessions(state: MarketState, query: Window) -> Reason:
    """Return the reason for a window without a session: it lies in the future, or the exchange was closed."""
    if query.start and query.start >= state.now:
        opening = state.calendar.next_opening(query.start - timedelta(seconds=1))
        first = opening.opens if opening else query.start
        if query.end is None or first < query.end:
            return absent("future", "The window lies in the future.", first + LENGTHS[HOURLY])
    return absent("market-closed", "The exchange had no session in the window: a weekend, a holiday or a night.")


async def explain_bars(
    connection: AsyncConnection,
    state: MarketState,
    query: TickerBars,
    tickers: Sequence[str],
    open_from: datetime | None,
) -> Reason:
    """Return why there are no bars of *tickers* for *query*, none being shown from before *open_from*."""
    first = query.start or open_from
    names = tickers[0] if len(tickers) == 1 else "these tickers"
    if query.cursor:
        return absent("last-page", "There are no more bars beyond this cursor.", state.next_update_at)
    known = await _select_facts(connection, tickers, first, query.end, state)
    if known.oldest_start is None:
        return absent("not-fetched", f"No bar of {names} has been fetched yet.", state.next_update_at or state.now)
    if query.as_of and known.first_received_at and query.as_of < known.first_received_at:
        when = rfc3339(known.first_received_at)
        return absent("not-fetched-then", f"Nothing of {names} had been fetched by then: the first bar came at {when}.")
    if query.start and query.start >= state.now:
        return outside_sessions(state, query)
    if query.end and query.end <= known.oldest_start:
        return absent("before-history", f"The stored history of {names} begins at {rfc3339(known.oldest_start)}.")
    if known.ended_at and first and first >= known.ended_at:
        return absent("not-tracked-then", f"The history of {names} ends with {known.ended_at.date()}.")
    if known.first_opens is None:
        return outside_sessions(state, query)
    return _missing(state, query, names, known)


def _missing(state: MarketState, query: Window, names: str, known: _Facts) -> Reason:
    """Return why the bars of a window with a session are not there."""
    match known.state:
        case "rejected":
            told = reason(known.rejection or "")
            return absent("rejected", f"The bars of {names} were refused: {told.text}. {told.advice}")
        case "none_at_provider":
            return absent("not-at-provider", f"A provider was asked for these bars of {names} and had none.")
        case "not_fetched":
            text = f"These bars of {names} have not been requested yet."
            return absent("not-fetched", text, state.next_update_at or state.now)
        case None if query.start and state.calendar.starts(HOURLY, query.start, query.end or state.now):
            return absent("not-finished", "The first bar of the window has not finished.", state.next_due)
        case _:
            return absent("no-bar-starts", f"No bar of {names} starts within the window.")


async def _select_facts(
    connection: AsyncConnection,
    tickers: Sequence[str],
    first: datetime | None,
    end: datetime | None,
    state: MarketState,
) -> _Facts:
    """Return what is known of *tickers*, and of the newest sessions within [first, end) so far."""
    cursor = connection.cursor(row_factory=class_row(_Facts))
    await cursor.execute(
        """
        WITH session AS (
             SELECT opens, closes
               FROM sessions
              WHERE closes > coalesce(%(first)s, '-infinity'::timestamptz)
                AND opens < least(coalesce(%(end)s, 'infinity'::timestamptz), %(now)s)
              ORDER BY opens DESC
              LIMIT %(sessions)s
        ), cell AS (
             SELECT *
               FROM coverage_of((SELECT array_agg(opens) FROM session), %(tickers)s, %(finished)s)
              WHERE start >= coalesce(%(first)s, '-infinity'::timestamptz)
                AND start < coalesce(%(end)s, 'infinity'::timestamptz)
        )
        SELECT (SELECT min(start) FROM bars WHERE interval = '1h' AND ticker = ANY (%(tickers)s)) AS oldest_start,
               (SELECT min(received_at)
                  FROM (SELECT received_at FROM bars WHERE interval = '1h' AND ticker = ANY (%(tickers)s)
                         UNION ALL
                        SELECT received_at FROM bar_revisions WHERE interval = '1h' AND ticker = ANY (%(tickers)s)
                       ) AS version) AS first_received_at,
               (SELECT max(ended_on + 1)::timestamp AT TIME ZONE 'America/New_York'
                  FROM tickers
                 WHERE ticker = ANY (%(tickers)s)
                HAVING count(*) = count(ended_on)) AS ended_at,
               (SELECT min(opens) FROM session) AS first_opens,
               (SELECT max(closes) FROM session) AS last_closes,
               (SELECT mode() WITHIN GROUP (ORDER BY state) FROM cell) AS state,
               (SELECT rejection_of(ticker, start, "end") FROM cell WHERE state = 'rejected' LIMIT 1) AS rejection
        """,
        {
            "tickers": list(tickers),
            "first": first,
            "end": end,
            "now": state.now,
            "finished": state.now - state.grace,
            "sessions": _SESSIONS,
        },
    )
    row = await cursor.fetchone()
    assert row is not None, "a row of aggregates"  # noqa: S101
    return row
