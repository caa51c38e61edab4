"""Queries of the stored state from which requests are planned."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.ingest.gaps import Gap, TickerHistory


class ProfileDue(NamedTuple):
    """A ticker whose profile is due, under the name it has so far."""

    ticker: str
    name: str


async def select_histories(
    connection: AsyncConnection, interval: str, now: datetime, configuration: str
) -> list[TickerHistory]:
    """Return each active ticker with its newest stored bar of *interval*: one index probe a ticker."""
    cursor = connection.cursor()
    await cursor.execute(
        """
           SELECT tickers.ticker, newest.start, newest.source,
                  CASE WHEN asked_windows.asked_at <= %(now)s THEN asked_windows.asked_at END,
                  CASE WHEN NOT again.again THEN asked_windows.settled END,
                  NOT again.other AND coalesce(asked_windows.retry_at > %(now)s
                                               AND asked_windows.retry_at <= %(now)s + interval '1 day', false),
                  again.again
             FROM tickers
        LEFT JOIN LATERAL (SELECT start, source
                             FROM bars
                            WHERE bars.ticker = tickers.ticker
                              AND bars.interval = %(interval)s
                            ORDER BY start DESC
                            LIMIT 1) AS newest ON true
        LEFT JOIN asked_windows ON asked_windows.ticker = tickers.ticker
                               AND asked_windows.interval = %(interval)s
       CROSS JOIN LATERAL (SELECT coalesce(asked_windows.configuration <> %(configuration)s, false) AS other,
                                  coalesce(asked_windows.configuration <> %(configuration)s
                                           OR asked_windows.recheck_at <= %(now)s, false) AS again) AS again
            WHERE tickers.active
        """,
        {"interval": interval, "now": now, "configuration": configuration},
    )
    return [
        TickerHistory(ticker, start, source, asked_at, tuple((one.lower, one.upper) for one in settled or ()), *rest)
        for ticker, start, source, asked_at, settled, *rest in await cursor.fetchall()
    ]


async def select_refetches(connection: AsyncConnection, interval: str) -> dict[str, datetime]:
    """Return the active tickers whose whole history is wanted again because of a split, each with its first bar."""
    cursor = await connection.execute(
        """
        SELECT splits.ticker, min(splits.refetch_from)
          FROM splits
          JOIN tickers USING (ticker)
         WHERE splits.state IN ('pending', 'suspected')
           AND tickers.active
           AND %(interval)s = '1h'
         GROUP BY splits.ticker
        """,
        {"interval": interval},
    )
    return dict(await cursor.fetchall())


async def select_gaps(
    connection: AsyncConnection,
    interval: str,
    tickers: Sequence[str] | None,
    expected: Sequence[datetime],
    now: datetime,
    configuration: str,
    *,
    simulated: bool,
    asked_before: datetime | None = None,
    again: bool = False,
) -> list[Gap]:
    """Return where active tickers (all, or *tickers*) lack bars at *expected* that a provider may have.

    Unless *simulated*, a simulated bar counts as missing. A bar that the provider lacked counts when it is time to ask
    again, when other providers are configured, and for a ticker that was last asked before *asked_before*.
    With *again* all of *expected* count for such a ticker, the stored bars too, and none for another.
    """
    cursor = connection.cursor(row_factory=class_row(Gap))
    await cursor.execute(
        """
            SELECT tickers.ticker, gap.first, gap.last,
                   CASE WHEN asked_windows.asked_at <= %(now)s THEN asked_windows.asked_at END AS asked_at,
                   newest.source
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
                                     WHERE (NOT %(again)s
                                            AND (NOT coalesce(asked_windows.settled @> start, false)
                                                 OR asked_windows.recheck_at <= %(now)s
                                                 OR asked_windows.configuration <> %(configuration)s))
                                        OR coalesce(NOT asked_windows.asked_at BETWEEN %(asked_before)s AND %(now)s,
                                                    %(again)s)
                                    EXCEPT
                                    SELECT start
                                      FROM bars
                                     WHERE NOT %(again)s
                                       AND bars.ticker = tickers.ticker
                                       AND bars.interval = %(interval)s
                                       AND bars.start BETWEEN %(first)s AND %(last)s
                                       AND (bars.source <> 'simulated' OR %(simulated)s)) AS missing) AS gap
             WHERE tickers.active
               AND (%(tickers)s::text[] IS NULL OR tickers.ticker = ANY (%(tickers)s))
               AND gap.first IS NOT NULL
               AND (%(asked_before)s::timestamptz IS NOT NULL
                    OR asked_windows.retry_at IS NULL
                    OR NOT asked_windows.retry_at BETWEEN %(now)s AND %(now)s + interval '1 day'
                    OR asked_windows.configuration <> %(configuration)s)
        """,
        {
            "interval": interval,
            "tickers": None if tickers is None else list(tickers),
            "expected": list(expected),
            "first": expected[0],
            "last": expected[-1],
            "simulated": simulated,
            "now": now,
            "configuration": configuration,
            "asked_before": asked_before,
            "again": again,
        },
    )
    return await cursor.fetchall()


async def select_compared_sources(
    connection: AsyncConnection,
    interval: str,
    tickers: Sequence[str] | None,
    start: datetime,
    end: datetime,
    *,
    again: bool,
) -> dict[str, list[str]]:
    """Return the sources of the stored bars in [start, end) by active ticker (all, or *tickers*).

    Simulated bars are left out, and unless *again* the tickers that were compared in the whole window.
    """
    cursor = await connection.execute(
        """
        SELECT bars.ticker, array_agg(DISTINCT bars.source)
          FROM bars
          JOIN tickers USING (ticker)
         WHERE tickers.active
           AND bars.interval = %(interval)s
           AND bars.start >= %(start)s
           AND bars.start < %(end)s
           AND bars.source <> 'simulated'
           AND (%(tickers)s::text[] IS NULL OR bars.ticker = ANY (%(tickers)s))
           AND (%(again)s OR NOT EXISTS (SELECT
                                           FROM comparisons
                                          WHERE comparisons.ticker = bars.ticker
                                            AND comparisons.interval = %(interval)s
                                            AND comparisons.compared @> tstzrange(%(start)s, %(end)s)))
         GROUP BY bars.ticker
         ORDER BY bars.ticker
        """,
        {
            "interval": interval,
            "tickers": None if tickers is None else list(tickers),
            "start": start,
            "end": end,
            "again": again,
        },
    )
    return dict(await cursor.fetchall())


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
