"""Queries of bars and their revisions, each for a whole batch.

A plan cached while the table is small would scan all of it when it is large. So a query that joins bars to a
batch either uses LATERAL with sequential scans disabled, or is not prepared.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from functions.store.array_literals import array, instant, quote
from functions.store.bar_versions import BarVersion
from functions.store.jumps import REACH
from functions.store.merge import BarRevision, FetchedBatch, Key, StoredBar
from functions.store.validation import BarBatch, ValidBar
from shared.connections.pipeline import PendingResult


async def send_select_stored_bars(
    connection: AsyncConnection, interval: str, batch: BarBatch, *, simulated: bool
) -> PendingResult[dict[str, dict[datetime, StoredBar]]]:
    """Select by ticker and start the bars stored within each ticker's window of *batch*, and the next on either side.

    The next ones are simulated, or not, as those of the batch. All are locked until the transaction ends, always
    in the order of the key, so that no two wait for each other.
    """
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """
            SELECT stored.*
              FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
                   AS asked (ticker, first, last)
        CROSS JOIN LATERAL (SELECT ticker, start, revision, open, high, low, close, volume, source, received_at,
                                   coalesce(seen_at, received_at), coalesce(served_at, received_at)
                              FROM bars
                             WHERE bars.ticker = asked.ticker
                               AND bars.interval = %(interval)s
                               AND bars.start >= coalesce((SELECT before.start
                                                             FROM bars AS before
                                                            WHERE before.ticker = asked.ticker
                                                              AND before.interval = %(interval)s
                                                              AND before.start < asked.first
                                                              AND before.start >= asked.first - %(reach)s
                                                              AND (before.source = 'simulated') = %(simulated)s
                                                            ORDER BY before.start DESC
                                                            LIMIT 1), asked.first)
                               AND bars.start <= coalesce((SELECT after.start
                                                             FROM bars AS after
                                                            WHERE after.ticker = asked.ticker
                                                              AND after.interval = %(interval)s
                                                              AND after.start > asked.last
                                                              AND after.start <= asked.last + %(reach)s
                                                              AND (after.source = 'simulated') = %(simulated)s
                                                            ORDER BY after.start
                                                            LIMIT 1), asked.last)
                             ORDER BY start
                               FOR NO KEY UPDATE) AS stored
        """,
        {
            "interval": interval,
            "reach": REACH,
            "simulated": simulated,
            "tickers": array(map(quote, batch)),
            "firsts": array(instant(next(iter(bars))) for bars in batch.values()),
            "lasts": array(instant(next(reversed(bars))) for bars in batch.values()),
        },
    )
    return PendingResult(cursor, _stored_bars)


def _stored_bars(rows: Sequence[tuple[Any, ...]]) -> dict[str, dict[datetime, StoredBar]]:
    found: dict[str, dict[datetime, StoredBar]] = {}
    for ticker, start, revision, *version, served_at in rows:
        found.setdefault(ticker, {})[start] = StoredBar(BarVersion(*version), revision, served_at)
    return found


async def select_revisions(
    connection: AsyncConnection, interval: str, keys: Sequence[Key]
) -> dict[Key, list[BarRevision]]:
    """Return the revisions of the bars at *keys*, in the order in which they were served."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """
        SELECT past.ticker, past.start, past.revision, past.superseded_at, past.served_at, past.open, past.high,
               past.low, past.close, past.volume, past.source, past.received_at,
               coalesce(past.seen_at, past.received_at)
          FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[]) AS asked (ticker, start)
          JOIN bar_revisions AS past ON past.ticker = asked.ticker
                                    AND past.interval = %(interval)s
                                    AND past.start = asked.start
         ORDER BY past.ticker, past.start, past.revision
        """,
        {"interval": interval, **_keys(keys)},
        prepare=False,
    )
    found: dict[Key, list[BarRevision]] = {}
    for ticker, start, revision, superseded_at, served_at, *version in await cursor.fetchall():
        past = BarRevision((ticker, start), revision, BarVersion(*version), superseded_at, served_at)
        found.setdefault(past.key, []).append(past)
    return found


async def insert_bars(
    connection: AsyncConnection,
    interval: str,
    batch: FetchedBatch,
    bars: Sequence[tuple[str, datetime, ValidBar]],
    now: datetime,
) -> None:
    """Store *bars* of *batch*, which are in the order of the key and served from *now*.

    UniqueViolation, in a pipeline later, when a concurrent event has stored one: ON CONFLICT costs half as much again.
    """
    await connection.execute(
        """
        INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, received_at,
                          served_at)
             SELECT ticker, %(interval)s, start, trim_scale(open), trim_scale(high), trim_scale(low), trim_scale(close),
                    volume, %(source)s, %(at)s, %(now)s
               FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(opens)s::numeric[], %(highs)s::numeric[],
                           %(lows)s::numeric[], %(closes)s::numeric[], %(volumes)s::numeric[])
                    AS batch (ticker, start, open, high, low, close, volume)
        """,
        {
            "interval": interval,
            "source": batch.source,
            "at": batch.at,
            "now": now,
            "tickers": array([quote(ticker) for ticker, _, _ in bars]),
            "starts": array([instant(start) for _, start, _ in bars]),
            "opens": array([bar.open for _, _, bar in bars]),
            "highs": array([bar.high for _, _, bar in bars]),
            "lows": array([bar.low for _, _, bar in bars]),
            "closes": array([bar.close for _, _, bar in bars]),
            "volumes": array(["NULL" if bar.volume is None else bar.volume for _, _, bar in bars]),
        },
    )


async def update_seen_at(connection: AsyncConnection, interval: str, keys: Sequence[Key], at: datetime) -> None:
    """Note that a fetch *at* an instant gave the same figures for the bars at *keys*, which the caller has locked."""
    await connection.execute(
        """
        UPDATE bars
           SET seen_at = %(at)s
          FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[]) AS batch (ticker, start)
         WHERE bars.ticker = batch.ticker
           AND bars.interval = %(interval)s
           AND bars.start = batch.start
        """,
        {"interval": interval, "at": at, **_keys(keys)},
        prepare=False,
    )


async def update_bars(connection: AsyncConnection, interval: str, bars: Sequence[tuple[Key, StoredBar]]) -> None:
    """Update the bars at the keys, which the caller has locked."""
    await connection.execute(
        """
        UPDATE bars
           SET open = trim_scale(batch.open),
               high = trim_scale(batch.high),
               low = trim_scale(batch.low),
               close = trim_scale(batch.close),
               volume = batch.volume,
               source = batch.source,
               received_at = batch.received_at,
               seen_at = nullif(batch.seen_at, batch.received_at),
               served_at = batch.served_at,
               revision = batch.revision
          FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(opens)s::numeric[], %(highs)s::numeric[],
                      %(lows)s::numeric[], %(closes)s::numeric[], %(volumes)s::numeric[], %(sources)s::text[],
                      %(received)s::timestamptz[], %(seen)s::timestamptz[], %(served)s::timestamptz[],
                      %(revisions)s::int[])
               AS batch (ticker, start, open, high, low, close, volume, source, received_at, seen_at, served_at,
                        revision)
         WHERE bars.ticker = batch.ticker
           AND bars.interval = %(interval)s
           AND bars.start = batch.start
        """,
        {
            "interval": interval,
            "revisions": array([stored.revision for _, stored in bars]),
            "served": array([instant(stored.served_at) for _, stored in bars]),
            **_keys([key for key, _ in bars]),
            **_figures([stored.version for _, stored in bars]),
        },
        prepare=False,
    )


async def upsert_revisions(connection: AsyncConnection, interval: str, past: Sequence[BarRevision]) -> None:
    """Insert *past* revisions; of one that is stored only the time of the last answer moves."""
    await connection.execute(
        """
        INSERT INTO bar_revisions (ticker, interval, start, revision, open, high, low, close, volume, source,
                                   received_at, seen_at, served_at, superseded_at)
             SELECT ticker, %(interval)s, start, revision, trim_scale(open), trim_scale(high), trim_scale(low),
                    trim_scale(close), volume, source, received_at, nullif(seen_at, received_at), served_at,
                    superseded_at
               FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(opens)s::numeric[], %(highs)s::numeric[],
                           %(lows)s::numeric[], %(closes)s::numeric[], %(volumes)s::numeric[], %(sources)s::text[],
                           %(received)s::timestamptz[], %(seen)s::timestamptz[], %(served)s::timestamptz[],
                           %(revisions)s::int[], %(superseded)s::timestamptz[])
                    AS batch (ticker, start, open, high, low, close, volume, source, received_at, seen_at, served_at,
                             revision, superseded_at)
        ON CONFLICT (ticker, interval, start, revision) DO UPDATE
                SET seen_at = excluded.seen_at
        """,
        {
            "interval": interval,
            "revisions": array([one.revision for one in past]),
            "served": array(["NULL" if one.served_at is None else instant(one.served_at) for one in past]),
            "superseded": array([instant(one.superseded_at) for one in past]),
            **_keys([one.key for one in past]),
            **_figures([one.version for one in past]),
        },
    )


async def send_is_complete(connection: AsyncConnection, start: datetime) -> PendingResult[bool]:
    """Ask whether no active ticker lacks the hourly bar at *start*, except where no provider has it."""
    cursor = await connection.execute("SELECT NOT EXISTS (SELECT FROM lagging_tickers(%(start)s))", {"start": start})
    return PendingResult(cursor, lambda rows: rows[0][0])


def _keys(keys: Sequence[Key]) -> dict[str, str]:
    return {
        "tickers": array([quote(ticker) for ticker, _ in keys]),
        "starts": array([instant(start) for _, start in keys]),
    }


def _figures(versions: Sequence[BarVersion]) -> dict[str, str]:
    return {
        "opens": array([version.open for version in versions]),
        "highs": array([version.high for version in versions]),
        "lows": array([version.low for version in versions]),
        "closes": array([version.close for version in versions]),
        "volumes": array(["NULL" if version.volume is None else version.volume for version in versions]),
        "sources": array([quote(version.source) for version in versions]),
        "received": array([instant(version.received_at) for version in versions]),
        "seen": array([instant(version.seen_at) for version in versions]),
    }
