"""What Postgres knows already, as far as it decides what to ask for."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.ingest.gaps import Gap, TickerHistory


class ProfileDue(NamedTuple):
    """A ticker whose profile should be asked for, under the name it has so far."""

    ticker: str
    name: str


async def select_histories(connection: AsyncConnection, interval: str) -> list[TickerHistory]:
    """Return each active ticker with its newest stored bar of *interval*: one index probe a ticker."""
    cursor = connection.cursor()
    await cursor.execute(
        """
           SELECT tickers.ticker, newest.start, newest.source, asked_windows.asked_at, asked_windows.settled
             FROM tickers
        LEFT JOIN LATERAL (SELECT start, source
                             FROM bars
                            WHERE bars.ticker = tickers.ticker
                              AND bars.interval = %(interval)s
                            ORDER BY start DESC
                            LIMIT 1) AS newest ON true
        LEFT JOIN asked_windows ON asked_windows.ticker = tickers.ticker
                               AND asked_windows.interval = %(interval)s
            WHERE tickers.active
        """,
        {"interval": interval},
    )
    return [
        TickerHistory(ticker, start, source, asked_at, tuple((window.lower, window.upper) for window in settled or ()))
        for ticker, start, source, asked_at, settled in await cursor.fetchall()
    ]


async def select_gaps(
    connection: AsyncConnection,
    interval: str,
    tickers: Sequence[str] | None,
    expected: Sequence[datetime],
    *,
    simulated: bool,
) -> list[Gap]:
    """Return where active tickers (all, or *tickers*) lack bars at *expected* that a provider may have.

    Unless *simulated*, an invented bar counts as missing.
    """
    cursor = connection.cursor(row_factory=class_row(Gap))
    await cursor.execute(
        """
            SELECT tickers.ticker, gap.first, gap.last, asked_windows.asked_at, newest.source
              FROM tickers
         LEFT JOIN asked_windows ON asked_windows.ticker = tickers.ticker
                                AND asked_windows.interval = %(interval)s
         LEFT JOIN LATERAL (SELECT source
                              FROM bars
                             WHERE bars.ticker = tickers.ticker
                               AND bars.interval = %(interval)s
                             ORDER BY start DESC
                             LIMIT 1) AS newest ON true
        CROSS JOIN LATERAL (SELECT min(start) AS first, max(start) AS last
                              FROM (SELECT start
                                      FROM unnest(%(expected)s::timestamptz[]) AS wanted (start)
                                     WHERE NOT coalesce(asked_windows.settled @> start, false)
                                    EXCEPT
                                    SELECT start
                                      FROM bars
                                     WHERE bars.ticker = tickers.ticker
                                       AND bars.interval = %(interval)s
                                       AND bars.start BETWEEN %(first)s AND %(last)s
                                       AND (bars.source <> 'simulated' OR %(simulated)s)) AS missing) AS gap
             WHERE tickers.active
               AND (%(tickers)s::text[] IS NULL OR tickers.ticker = ANY (%(tickers)s))
               AND gap.first IS NOT NULL
        """,
        {
            "interval": interval,
            "tickers": None if tickers is None else list(tickers),
            "expected": list(expected),
            "first": expected[0],
            "last": expected[-1],
            "simulated": simulated,
        },
    )
    return await cursor.fetchall()


async def select_unknown(connection: AsyncConnection, tickers: Sequence[str]) -> list[str]:
    """Return those of *tickers* that are not tracked."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT ticker
          FROM unnest(%(tickers)s::text[]) AS wanted (ticker)
         WHERE NOT EXISTS (SELECT
                             FROM tickers
                            WHERE tickers.ticker = wanted.ticker
                              AND tickers.active)
        """,
        {"tickers": list(tickers)},
    )
    return await cursor.fetchall()


async def select_unprofiled(
    connection: AsyncConnection, tickers: Sequence[str] | None, before: datetime
) -> list[ProfileDue]:
    """Return the active tickers (all, or *tickers*) without a provider's profile newer than *before*, oldest first."""
    cursor = connection.cursor(row_factory=class_row(ProfileDue))
    await cursor.execute(
        """
           SELECT tickers.ticker, tickers.name
             FROM tickers
        LEFT JOIN companies ON companies.ticker = tickers.ticker
                           AND companies.source <> 'catalogue'
            WHERE tickers.active
              AND (%(tickers)s::text[] IS NULL OR tickers.ticker = ANY (%(tickers)s))
              AND (companies.fetched_at IS NULL OR companies.fetched_at < %(before)s)
            ORDER BY companies.fetched_at NULLS FIRST, tickers.ticker
        """,
        {"tickers": None if tickers is None else list(tickers), "before": before},
    )
    return await cursor.fetchall()
