"""Queries of files: the bars of a month, their fingerprint, and the stored files."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import class_row

FORMAT = 1
"""Of the files: another one makes all of them out of date."""
_BATCH = 50_000


@dataclass(frozen=True, slots=True)
class MonthOfBars:
    """The stored bars of a month: *fingerprint* is another one after any change."""

    month: date
    fingerprint: str


@dataclass(frozen=True, slots=True)
class BarFile:
    """A stored file without its content."""

    month: date
    fingerprint: str
    version: int
    rows: int
    tickers: int
    first: datetime
    last: datetime
    bytes: int
    sha256: str
    built_at: datetime

    @property
    def name(self) -> str:
        """Name of the file."""
        return file_name(self.month)


def file_name(month: date) -> str:
    """Return the name of the file of *month*."""
    return f"bars-{month:%Y-%m}.parquet"


_FINGERPRINT: LiteralString = """
    concat_ws(':', %(format)s::int, sum(counted.bars), sum(counted.revisions), sum(counted.received),
              unix_seconds(max(counted.newest)),
              md5(string_agg(concat_ws(' ', counted.ticker, counted.bars), ',' ORDER BY counted.ticker COLLATE "C")),
              (SELECT md5(string_agg(concat_ws(' ', date, unix_seconds(closes)), ',' ORDER BY date))
                 FROM sessions
                WHERE date >= counted.month
                  AND date < counted.month + interval '1 month'))
"""
"""Over tickers and closes too: a rename and a changed closing change the file, but no revision."""


async def select_months(connection: AsyncConnection) -> list[MonthOfBars]:
    """Return every month in which bars are stored, in order."""
    cursor = connection.cursor(row_factory=class_row(MonthOfBars))
    await cursor.execute(
        f"""
        SELECT counted.month, {_FINGERPRINT} AS fingerprint
          FROM (SELECT date_trunc('month', start AT TIME ZONE 'America/New_York')::date AS month, ticker,
                       count(*) AS bars, sum(revision) AS revisions, sum(unix_seconds(received_at)) AS received,
                       max(received_at) AS newest
                  FROM bars
                 WHERE interval = '1h'
                 GROUP BY 1, 2) AS counted
         GROUP BY counted.month
         ORDER BY counted.month
        """,  # noqa: S608  made of parts of statements alone
        {"format": FORMAT},
    )
    return await cursor.fetchall()


async def select_month(connection: AsyncConnection, month: date) -> MonthOfBars | None:
    """Return the stored bars of *month*, None for none."""
    cursor = connection.cursor(row_factory=class_row(MonthOfBars))
    await cursor.execute(
        f"""
        SELECT counted.month, {_FINGERPRINT} AS fingerprint
          FROM (SELECT %(month)s::date AS month, tickers.ticker, count(*) AS bars, sum(revision) AS revisions,
                       sum(unix_seconds(received_at)) AS received, max(received_at) AS newest
                  FROM tickers
                 CROSS JOIN LATERAL (SELECT revision, received_at
                                       FROM bars
                                      WHERE bars.ticker = tickers.ticker
                                        AND interval = '1h'
                                        AND start >= %(month)s::timestamp AT TIME ZONE 'America/New_York'
                                        AND start < (%(month)s::timestamp + interval '1 month')
                                                    AT TIME ZONE 'America/New_York') AS bar
                 GROUP BY tickers.ticker) AS counted
         GROUP BY counted.month
        """,  # noqa: S608  made of parts of statements alone
        {"format": FORMAT, "month": month},
    )
    return await cursor.fetchone()


async def select_digits(connection: AsyncConnection, month: date) -> int:
    """Return how many digits after the point the prices of *month* have at most."""
    cursor = await connection.execute(
        """
        SELECT coalesce(max(greatest(scale(trim_scale(open)), scale(trim_scale(high)), scale(trim_scale(low)),
                                     scale(trim_scale(close)))), 0)
          FROM tickers
         CROSS JOIN LATERAL (SELECT open, high, low, close
                               FROM bars
                              WHERE bars.ticker = tickers.ticker
                                AND interval = '1h'
                                AND start >= %(month)s::timestamp AT TIME ZONE 'America/New_York'
                                AND start < (%(month)s::timestamp + interval '1 month')
                                            AT TIME ZONE 'America/New_York') AS bar
        """,
        {"month": month},
    )
    row = await cursor.fetchone()
    return row[0] if row else 0


async def select_version(connection: AsyncConnection) -> int:
    """Return the market version."""
    cursor = await connection.execute("SELECT epoch FROM market_epoch")
    row = await cursor.fetchone()
    return row[0] if row else 0


async def iterate_bars(connection: AsyncConnection, month: date) -> AsyncIterator[list[tuple[Any, ...]]]:
    """Yield the bars of *month* in batches, by ticker and start; within a transaction."""
    async with connection.cursor(name="bars_of_month") as cursor:
        await cursor.execute(
            """
            SELECT bar.ticker, bar.start, least(bar.start + interval '1 hour', session.closes) AS "end",
                   bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision, bar.received_at
              FROM tickers
             CROSS JOIN LATERAL (SELECT *
                                   FROM bars
                                  WHERE bars.ticker = tickers.ticker
                                    AND interval = '1h'
                                    AND start >= %(month)s::timestamp AT TIME ZONE 'America/New_York'
                                    AND start < (%(month)s::timestamp + interval '1 month')
                                                AT TIME ZONE 'America/New_York') AS bar
              LEFT JOIN sessions AS session
                     ON session.date = (bar.start AT TIME ZONE 'America/New_York')::date
             ORDER BY bar.ticker COLLATE "C", bar.start
            """,
            {"month": month},
        )
        while rows := await cursor.fetchmany(_BATCH):
            yield rows


async def select_files(connection: AsyncConnection) -> dict[date, BarFile]:
    """Return every stored file by its month."""
    cursor = connection.cursor(row_factory=class_row(BarFile))
    await cursor.execute(
        """
        SELECT month, fingerprint, version, rows, tickers, first, last, bytes, sha256, built_at
          FROM bar_files
         ORDER BY month
        """
    )
    return {one.month: one for one in await cursor.fetchall()}


async def select_file(connection: AsyncConnection, month: date) -> BarFile | None:
    """Return the stored file of *month*."""
    cursor = connection.cursor(row_factory=class_row(BarFile))
    await cursor.execute(
        """
        SELECT month, fingerprint, version, rows, tickers, first, last, bytes, sha256, built_at
          FROM bar_files
         WHERE month = %(month)s
        """,
        {"month": month},
    )
    return await cursor.fetchone()


async def select_content(connection: AsyncConnection, file: BarFile, first: int, length: int) -> bytes | None:
    """Return *length* bytes of the content of *file* from *first* on; None if another one has replaced it."""
    cursor = await connection.execute(
        """
        SELECT substring(content FROM %(first)s + 1 FOR %(length)s)
          FROM bar_files
         WHERE month = %(month)s
           AND sha256 = %(sha256)s
        """,
        {"first": first, "length": length, "month": file.month, "sha256": file.sha256},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def upsert_file(connection: AsyncConnection, file: BarFile, content: bytes) -> None:
    """Store *file* unless a newer one is stored."""
    await connection.execute(
        """
        INSERT INTO bar_files AS stored
               (month, fingerprint, version, rows, tickers, first, last, bytes, sha256, built_at, content)
        VALUES (%(month)s, %(fingerprint)s, %(version)s, %(rows)s, %(tickers)s, %(first)s, %(last)s, %(bytes)s,
                %(sha256)s, %(built_at)s, %(content)s)
            ON CONFLICT (month) DO UPDATE
           SET fingerprint = excluded.fingerprint, version = excluded.version, rows = excluded.rows,
               tickers = excluded.tickers, first = excluded.first, last = excluded.last, bytes = excluded.bytes,
               sha256 = excluded.sha256, built_at = excluded.built_at, content = excluded.content
         WHERE stored.version <= excluded.version
        """,
        {
            "month": file.month,
            "fingerprint": file.fingerprint,
            "version": file.version,
            "rows": file.rows,
            "tickers": file.tickers,
            "first": file.first,
            "last": file.last,
            "bytes": file.bytes,
            "sha256": file.sha256,
            "built_at": file.built_at,
            "content": content,
        },
    )
