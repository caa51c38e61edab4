"""Queries of the feeds: when an hour was first published, and bars behind its figures that have changed since."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.insights.reading.parameters import InsightsQuery


class Publication(NamedTuple):
    """The first revision of an hour: when it was written, and the tickers that had no bar then."""

    start: datetime
    published: datetime
    missing: list[str]


class Change(NamedTuple):
    """Bars that changed behind published figures of the hour at *start*: of the wrap, or of the others.

    *corrected*: the newest revision is computed from the bars as they are now. *at* is when the last of them changed,
    None where that is not known.
    """

    start: datetime
    wrap: bool
    corrected: bool
    tickers: list[str]
    at: datetime | None


async def select_installation(connection: AsyncConnection) -> str:
    """Return the identity of the installation."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute("SELECT id::text FROM installation")
    return f"{await cursor.fetchone()}"


async def select_publications(connection: AsyncConnection, starts: Sequence[datetime]) -> list[Publication]:
    """Return the first publication of each hour at *starts*."""
    cursor = connection.cursor(row_factory=class_row(Publication))
    await cursor.execute(
        """
        SELECT DISTINCT ON (start) start, written_at AS published, missing
          FROM insight_hours
         WHERE start = ANY (%(starts)s)
         ORDER BY start, revision
        """,
        {"starts": list(starts)},
    )
    return await cursor.fetchall()


async def select_changes(
    connection: AsyncConnection, wanted: InsightsQuery, tickers: Sequence[str] | None, starts: Sequence[datetime]
) -> list[Change]:
    """Return the changes behind all revisions of the *wanted* insights at *starts*, about any of *tickers* or all."""
    cursor = connection.cursor(row_factory=class_row(Change))
    await cursor.execute(
        """
        SELECT figure.start,
               insight.kind IS NOT DISTINCT FROM 'wrap' AS wrap,
               figure.revision < newest.revision AS corrected,
               coalesce(array_agg(DISTINCT changed.ticker ORDER BY changed.ticker)
                        FILTER (WHERE changed.ticker IS NOT NULL), '{}') AS tickers,
               max(changed.at) AS at
          FROM insight_figures AS figure
          JOIN insight_hours AS hour USING (start, revision)
          JOIN insights AS insight USING (start, revision, place)
          JOIN (SELECT start, max(revision) AS revision
                  FROM insight_hours
                 WHERE start = ANY (%(starts)s)
                 GROUP BY start) AS newest ON newest.start = figure.start
          LEFT JOIN LATERAL (
               SELECT bar.ticker, bar.received_at AS at
                 FROM bars AS bar
                WHERE bar.ticker = ANY (figure.tickers)
                  AND bar.interval = '1h'
                  AND bar.start = ANY (figure.starts)
                  AND bar.received_at > hour.written_at
                UNION ALL
               SELECT bar.ticker, bar.superseded_at
                 FROM bar_revisions AS bar
                WHERE bar.ticker = ANY (figure.tickers)
                  AND bar.interval = '1h'
                  AND bar.start = ANY (figure.starts)
                  AND bar.revision >= 0
                  AND bar.superseded_at > hour.written_at
                UNION ALL
               SELECT bar.ticker, bar.withdrawn_at
                 FROM withdrawn_bars AS bar
                WHERE bar.ticker = ANY (figure.tickers)
                  AND bar.interval = '1h'
                  AND bar.start = ANY (figure.starts)
                  AND bar.withdrawn_at > hour.written_at) AS changed ON true
         WHERE figure.start = ANY (%(starts)s)
           AND figure.superseded
           AND (%(tickers)s::text[] IS NULL OR insight.tickers && %(tickers)s::text[])
           AND (%(kind)s::text IS NULL OR insight.kind = %(kind)s)
         GROUP BY 1, 2, 3
        """,
        {"starts": list(starts), "tickers": tickers and list(tickers), "kind": wanted.kind},
    )
    return await cursor.fetchall()
