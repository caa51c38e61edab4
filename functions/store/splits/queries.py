"""Queries of splits, and of the bars before one."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.store.bar_versions import SIMULATED, BarVersion
from functions.store.merge import StoredBar
from functions.store.splits.ratios import Ratio
from shared.connections.pipeline import PendingResult

State = Literal["pending", "suspected", "applied", "unconfirmed", "refuted"]
Found = Literal["overlap", "jump", "stated"]

_LOCK = 5_746_805  # any number that no other lock in this database has


class Split(NamedTuple):
    """A split, as stored."""

    ticker: str
    date: date
    starts_at: datetime
    new_shares: Decimal
    old_shares: Decimal
    state: State
    found: Found
    source: str
    detail: str
    raw_sources: tuple[str, ...]
    refetch_from: datetime
    found_at: datetime
    changed_at: datetime

    @property
    def ratio(self) -> Ratio:
        """New shares for old shares."""
        return Ratio(self.new_shares, self.old_shares)

    @property
    def awaits_history(self) -> bool:
        """True until the history has been fetched again on the new scale."""
        return self.state in ("pending", "suspected")


async def lock_splits(connection: AsyncConnection) -> None:
    """Wait until no other transaction states a split or stores bars, and block others until this one ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": _LOCK})


async def begin_storing(connection: AsyncConnection) -> None:
    """Wait until no transaction states a split (it converts all bars of a ticker), and let none do so until this ends.

    Its statements look bars up by key, however few there are.
    """
    await connection.execute(
        "SELECT set_config('enable_seqscan', 'off', true), pg_advisory_xact_lock_shared(%(lock)s)", {"lock": _LOCK}
    )


async def select_splits(connection: AsyncConnection, tickers: Sequence[str]) -> dict[str, list[Split]]:
    """Return the splits of *tickers*, oldest first."""
    return await (await send_select_splits(connection, tickers)).result()


async def send_select_splits(
    connection: AsyncConnection, tickers: Sequence[str]
) -> PendingResult[dict[str, list[Split]]]:
    """Send the query of `select_splits`; the caller reads its rows later."""
    cursor = connection.cursor(row_factory=class_row(Split))
    await cursor.execute(
        """
        SELECT ticker, date, starts_at, new_shares, old_shares, state, found, source, detail, raw_sources,
               refetch_from, found_at, changed_at
          FROM splits
         WHERE ticker = ANY (%(tickers)s)
         ORDER BY ticker, date
        """,
        {"tickers": list(tickers)},
    )
    return PendingResult(cursor, _by_ticker)


def _by_ticker(splits: Sequence[Split]) -> dict[str, list[Split]]:
    found: dict[str, list[Split]] = {}
    for split in splits:
        found.setdefault(split.ticker, []).append(split._replace(raw_sources=tuple(split.raw_sources)))
    return found


async def upsert_split(
    connection: AsyncConnection, split: Split, event_id: str | None = None, trace_id: str | None = None
) -> None:
    """Insert or update *split*; there is one of a ticker and day."""
    await connection.execute(
        """
        INSERT INTO splits (ticker, date, starts_at, new_shares, old_shares, state, found, source, detail,
                            raw_sources, refetch_from, found_at, changed_at, event_id, trace_id)
             VALUES (%(ticker)s, %(date)s, %(starts_at)s, %(new_shares)s, %(old_shares)s, %(state)s, %(found)s,
                     %(source)s, %(detail)s, %(raw_sources)s, %(refetch_from)s, %(found_at)s, %(changed_at)s,
                     %(event_id)s, %(trace_id)s)
        ON CONFLICT (ticker, date) DO UPDATE
                SET starts_at = excluded.starts_at,
                    new_shares = excluded.new_shares,
                    old_shares = excluded.old_shares,
                    state = excluded.state,
                    found = excluded.found,
                    source = excluded.source,
                    detail = excluded.detail,
                    raw_sources = excluded.raw_sources,
                    refetch_from = excluded.refetch_from,
                    changed_at = excluded.changed_at
        """,
        split._asdict() | {"raw_sources": list(split.raw_sources), "event_id": event_id, "trace_id": trace_id},
    )


async def select_bars_before(
    connection: AsyncConnection, ticker: str, interval: str, starts_at: datetime
) -> dict[datetime, StoredBar]:
    """Return the stored bars of *ticker* that start before *starts_at*, by start, locked; no simulated ones."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """
        SELECT start, revision, open, high, low, close, volume, source, received_at, coalesce(seen_at, received_at),
               coalesce(served_at, received_at)
          FROM bars
         WHERE ticker = %(ticker)s
           AND interval = %(interval)s
           AND start < %(starts_at)s
           AND source <> %(simulated)s
         ORDER BY start
           FOR NO KEY UPDATE
        """,
        {"ticker": ticker, "interval": interval, "starts_at": starts_at, "simulated": SIMULATED},
    )
    return {
        start: StoredBar(BarVersion(*version), revision, served_at)
        for start, revision, *version, served_at in await cursor.fetchall()
    }


async def select_oldest_starts(
    connection: AsyncConnection, tickers: Sequence[str], interval: str
) -> dict[str, datetime]:
    """Return the start of the oldest stored bar of each of *tickers* that has one."""
    cursor = await connection.execute(
        """
        SELECT name.ticker, oldest.start
          FROM unnest(%(tickers)s::text[]) AS name (ticker)
         CROSS JOIN LATERAL (SELECT start
                               FROM bars
                              WHERE bars.ticker = name.ticker
                                AND bars.interval = %(interval)s
                              ORDER BY start
                              LIMIT 1) AS oldest
        """,
        {"tickers": list(tickers), "interval": interval},
    )
    return dict(await cursor.fetchall())
