"""The statements that read and write bars and their history, each for a whole batch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.store.check import Good
from functions.store.history import Version
from functions.store.jumps import REACH

Key = tuple[str, datetime]
"""Ticker and start; the interval is that of the batch."""


class Stored(NamedTuple):
    """A bar as it stands, and how many versions stand behind it."""

    version: Version
    revision: int


class Around(NamedTuple):
    """The closest stored bars of one ticker outside a batch, None where there is none within reach."""

    ticker: str
    before_start: datetime | None
    before_close: Decimal | None
    after_start: datetime | None
    after_close: Decimal | None


class Superseded(NamedTuple):
    """A version behind the one that stands."""

    key: Key
    revision: int
    version: Version
    superseded_at: datetime


async def select_around(
    connection: AsyncConnection, interval: str, batch: Mapping[str, Sequence[Good]], *, simulated: bool
) -> list[Around]:
    """Return for each ticker of *batch* the stored bars next to it, of invented bars only or of others only."""
    cursor = connection.cursor(row_factory=class_row(Around))
    await cursor.execute(
        """
           SELECT asked.ticker,
                  before.start AS before_start, before.close AS before_close,
                  after.start AS after_start, after.close AS after_close
             FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
                  AS asked (ticker, first, last)
        LEFT JOIN LATERAL (SELECT start, close
                             FROM bars
                            WHERE bars.ticker = asked.ticker
                              AND bars.interval = %(interval)s
                              AND bars.start < asked.first
                              AND bars.start >= asked.first - %(reach)s
                              AND (bars.source = 'simulated') = %(simulated)s
                            ORDER BY start DESC
                            LIMIT 1) AS before ON true
        LEFT JOIN LATERAL (SELECT start, close
                             FROM bars
                            WHERE bars.ticker = asked.ticker
                              AND bars.interval = %(interval)s
                              AND bars.start > asked.last
                              AND bars.start <= asked.last + %(reach)s
                              AND (bars.source = 'simulated') = %(simulated)s
                            ORDER BY start
                            LIMIT 1) AS after ON true
        """,
        {"interval": interval, "reach": REACH, "simulated": simulated, **_windows(batch)},
    )
    return await cursor.fetchall()


async def select_stored(
    connection: AsyncConnection, interval: str, batch: Mapping[str, Sequence[Good]]
) -> dict[Key, Stored]:
    """Return the bars stored within each ticker's window of *batch*, locked until the transaction ends.

    Everyone locks in the order of the key, so that no two wait for each other.
    """
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """
        SELECT bars.ticker, bars.start, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.source,
               bars.received_at, coalesce(bars.seen_at, bars.received_at), bars.revision
          FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
               AS asked (ticker, first, last)
          JOIN bars ON bars.ticker = asked.ticker
                   AND bars.interval = %(interval)s
                   AND bars.start BETWEEN asked.first AND asked.last
         ORDER BY bars.ticker, bars.start
           FOR NO KEY UPDATE OF bars
        """,
        {"interval": interval, **_windows(batch)},
    )
    return {(row[0], row[1]): Stored(Version(*row[2:10]), row[10]) for row in await cursor.fetchall()}


async def select_superseded(
    connection: AsyncConnection, interval: str, keys: Sequence[Key]
) -> dict[Key, list[Version]]:
    """Return what stands behind the bars at *keys*, oldest revision first."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """
        SELECT past.ticker, past.start, past.open, past.high, past.low, past.close, past.volume, past.source,
               past.received_at, coalesce(past.seen_at, past.received_at)
          FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[]) AS asked (ticker, start)
          JOIN bar_revisions AS past ON past.ticker = asked.ticker
                                    AND past.interval = %(interval)s
                                    AND past.start = asked.start
         ORDER BY past.ticker, past.start, past.revision
        """,
        {"interval": interval, "tickers": [key[0] for key in keys], "starts": [key[1] for key in keys]},
    )
    found: dict[Key, list[Version]] = {}
    for row in await cursor.fetchall():
        found.setdefault((row[0], row[1]), []).append(Version(*row[2:]))
    return found


async def insert_bars(connection: AsyncConnection, interval: str, bars: Sequence[tuple[Key, Version]]) -> int:
    """Store *bars*, sorted by key, and return how many; one that somebody stored meanwhile is left as it is."""
    cursor = await connection.execute(
        """
        INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, received_at)
             SELECT ticker, %(interval)s, start, trim_scale(open), trim_scale(high), trim_scale(low), trim_scale(close),
                    volume, source, received_at
               FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(opens)s::numeric[], %(highs)s::numeric[],
                           %(lows)s::numeric[], %(closes)s::numeric[], %(volumes)s::bigint[], %(sources)s::text[],
                           %(received)s::timestamptz[])
                    AS told (ticker, start, open, high, low, close, volume, source, received_at)
        ON CONFLICT DO NOTHING
        """,
        {"interval": interval, **_columns(bars)},
    )
    return cursor.rowcount


async def update_bars(connection: AsyncConnection, interval: str, bars: Sequence[tuple[Key, Stored]]) -> None:
    """Let the bars at the keys, which the caller has locked, stand as given."""
    await connection.execute(
        """
        UPDATE bars
           SET open = trim_scale(told.open),
               high = trim_scale(told.high),
               low = trim_scale(told.low),
               close = trim_scale(told.close),
               volume = told.volume,
               source = told.source,
               received_at = told.received_at,
               seen_at = nullif(told.seen_at, told.received_at),
               revision = told.revision
          FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(opens)s::numeric[], %(highs)s::numeric[],
                      %(lows)s::numeric[], %(closes)s::numeric[], %(volumes)s::bigint[], %(sources)s::text[],
                      %(received)s::timestamptz[], %(seen)s::timestamptz[], %(revisions)s::int[])
               AS told (ticker, start, open, high, low, close, volume, source, received_at, seen_at, revision)
         WHERE bars.ticker = told.ticker
           AND bars.interval = %(interval)s
           AND bars.start = told.start
        """,
        {
            "interval": interval,
            "revisions": _array(stored.revision for _, stored in bars),
            **_columns([(key, stored.version) for key, stored in bars]),
        },
    )


async def upsert_superseded(connection: AsyncConnection, interval: str, past: Sequence[Superseded]) -> None:
    """Keep *past*; a version that arrived late moves the revisions after it up by one."""
    await connection.execute(
        """
        INSERT INTO bar_revisions (ticker, interval, start, revision, open, high, low, close, volume, source,
                                   received_at, seen_at, superseded_at)
             SELECT ticker, %(interval)s, start, revision, trim_scale(open), trim_scale(high), trim_scale(low),
                    trim_scale(close), volume, source, received_at, nullif(seen_at, received_at), superseded_at
               FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(opens)s::numeric[], %(highs)s::numeric[],
                           %(lows)s::numeric[], %(closes)s::numeric[], %(volumes)s::bigint[], %(sources)s::text[],
                           %(received)s::timestamptz[], %(seen)s::timestamptz[], %(revisions)s::int[],
                           %(superseded)s::timestamptz[])
                    AS told (ticker, start, open, high, low, close, volume, source, received_at, seen_at, revision,
                             superseded_at)
        ON CONFLICT (ticker, interval, start, revision) DO UPDATE
                SET open = excluded.open,
                    high = excluded.high,
                    low = excluded.low,
                    close = excluded.close,
                    volume = excluded.volume,
                    source = excluded.source,
                    received_at = excluded.received_at,
                    seen_at = excluded.seen_at,
                    superseded_at = excluded.superseded_at
        """,
        {
            "interval": interval,
            "revisions": _array(one.revision for one in past),
            "superseded": _array(one.superseded_at.isoformat() for one in past),
            **_columns([(one.key, one.version) for one in past]),
        },
    )


async def is_hour_complete(connection: AsyncConnection, start: datetime) -> bool:
    """Tell whether every active ticker has its 1h bar at *start*."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT NOT EXISTS (SELECT
                             FROM tickers
                            WHERE active
                              AND NOT EXISTS (SELECT
                                                FROM bars
                                               WHERE bars.ticker = tickers.ticker
                                                 AND bars.interval = '1h'
                                                 AND bars.start = %(start)s))
        """,
        {"start": start},
    )
    return bool(await cursor.fetchone())


def _windows(batch: Mapping[str, Sequence[Good]]) -> dict[str, object]:
    return {
        "tickers": list(batch),
        "firsts": [bars[0].start for bars in batch.values()],
        "lasts": [bars[-1].start for bars in batch.values()],
    }


def _columns(bars: Sequence[tuple[Key, Version]]) -> dict[str, str]:
    """Return one array a column, as text: psycopg takes a hundred times as long for a list of Decimals."""
    return {
        "tickers": _array(key[0] for key, _ in bars),
        "starts": _array(key[1].isoformat() for key, _ in bars),
        "opens": _array(version.open for _, version in bars),
        "highs": _array(version.high for _, version in bars),
        "lows": _array(version.low for _, version in bars),
        "closes": _array(version.close for _, version in bars),
        "volumes": _array("NULL" if version.volume is None else version.volume for _, version in bars),
        "sources": _array(_quote(version.source) for _, version in bars),
        "received": _array(version.received_at.isoformat() for _, version in bars),
        "seen": _array(version.seen_at.isoformat() for _, version in bars),
    }


def _array(values: Iterable[object]) -> str:
    """Return a Postgres array literal; its values need no quotes (tickers, numbers, instants) or have them."""
    return "{" + ",".join(map(str, values)) + "}"


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
