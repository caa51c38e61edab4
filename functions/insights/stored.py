"""The statements that read what insights are made of: bars, names, and which hours lack a telling."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.insights.hour import Bar


class Standing(NamedTuple):
    """An hour: how many active tickers have its bar, of how many, and what is told of it so far.

    *revision* is None when nothing is; *superseded* says that bars behind the newest telling have changed since.
    """

    start: datetime
    present: int
    active: int
    revision: int | None
    complete: bool
    superseded: bool
    calls: int


async def select_newest_start(connection: AsyncConnection) -> datetime | None:
    """Return the start of the newest hourly bar of any active ticker, None when there is none."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT max(newest.start)
          FROM tickers AS ticker
         CROSS JOIN LATERAL (SELECT start
                               FROM bars
                              WHERE bars.ticker = ticker.ticker
                                AND bars.interval = '1h'
                              ORDER BY start DESC
                              LIMIT 1) AS newest
         WHERE ticker.active
        """
    )
    return await cursor.fetchone()


async def select_standings(connection: AsyncConnection, starts: Sequence[datetime]) -> list[Standing]:
    """Return the hours at *starts*, newest first."""
    cursor = connection.cursor(row_factory=class_row(Standing))
    await cursor.execute(
        """
        SELECT asked.start,
               held.present,
               held.active,
               told.revision,
               coalesce(told.complete, false) AS complete,
               EXISTS (SELECT
                         FROM insight_figures AS figure
                        WHERE figure.start = asked.start
                          AND figure.revision = told.revision
                          AND figure.superseded) AS superseded,
               coalesce(model.calls, 0) AS calls
          FROM unnest(%(starts)s::timestamptz[]) AS asked (start)
         CROSS JOIN LATERAL (SELECT count(bar.start) AS present, count(*) AS active
                               FROM tickers AS ticker
                               LEFT JOIN LATERAL (SELECT start
                                                    FROM bars
                                                   WHERE bars.ticker = ticker.ticker
                                                     AND bars.interval = '1h'
                                                     AND bars.start = asked.start) AS bar ON true
                              WHERE ticker.active) AS held
          LEFT JOIN LATERAL (SELECT revision, complete
                               FROM insight_hours AS hour
                              WHERE hour.start = asked.start
                              ORDER BY revision DESC
                              LIMIT 1) AS told ON true
          LEFT JOIN insight_model_calls AS model ON model.start = asked.start
         ORDER BY asked.start DESC
        """,
        {"starts": list(starts)},
    )
    return await cursor.fetchall()


async def select_names(connection: AsyncConnection) -> dict[str, str]:
    """Return the companies' names by active ticker, in order."""
    cursor = await connection.execute("SELECT ticker, name FROM profiles WHERE active ORDER BY ticker")
    return dict(await cursor.fetchall())


async def select_bars(
    connection: AsyncConnection, tickers: Sequence[str], first: datetime, end: datetime
) -> dict[str, dict[datetime, Bar]]:
    """Return the hourly bars of *tickers* that start in [first, end), by ticker and start."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """
        SELECT ticker, start, open, high, low, close, volume, source
          FROM bars
         WHERE ticker = ANY (%(tickers)s::text[])
           AND interval = '1h'
           AND start >= %(first)s
           AND start < %(end)s
        """,
        {"tickers": list(tickers), "first": first, "end": end},
    )
    found: dict[str, dict[datetime, Bar]] = {ticker: {} for ticker in tickers}
    async for ticker, *bar in cursor:
        found[ticker][bar[0]] = Bar(*bar)
    return found
