"""Overlaps of sources: how far the prices of two sources differ where both gave a bar."""

from datetime import datetime
from decimal import Decimal

from psycopg import AsyncConnection

from functions.store.bar_versions import SIMULATED
from functions.store.merge import FetchedBatch, StoredBars


async def upsert_overlaps(connection: AsyncConnection, interval: str, batch: FetchedBatch, stored: StoredBars) -> None:
    """Record how far *batch* differs from *stored* bars of other sources; the newest answer replaces an older one."""
    if batch.source == SIMULATED or interval != "1h":
        return
    found: dict[tuple[str, str], list[Decimal]] = {}
    for ticker, bars in batch.bars.items():
        for start, (version, *_) in stored.get(ticker, {}).items():
            if version.source not in (batch.source, SIMULATED) and start in bars:
                difference = abs(bars[start].close - version.close) / version.close
                found.setdefault((ticker, version.source), []).append(difference)
    if not found:
        return
    keys = sorted(found)
    await _upsert(connection, batch.source, batch.at, keys, [found[key] for key in keys])


async def _upsert(
    connection: AsyncConnection,
    source: str,
    at: datetime,
    keys: list[tuple[str, str]],
    differences: list[list[Decimal]],
) -> None:
    await connection.execute(
        """
        INSERT INTO source_overlaps AS known (ticker, source, other, bars, deviation, seen_at)
             SELECT ticker, source, other, bars, deviation, %(at)s
               FROM unnest(%(tickers)s::text[], %(sources)s::text[], %(others)s::text[], %(bars)s::int[],
                           %(deviations)s::numeric[]) AS pair (ticker, source, other, bars, deviation)
        ON CONFLICT (ticker, source, other) DO UPDATE
                SET bars = excluded.bars,
                    deviation = excluded.deviation,
                    seen_at = excluded.seen_at
              WHERE known.seen_at <= excluded.seen_at
        """,
        {
            "at": at,
            "tickers": [ticker for ticker, _ in keys],
            # In one order, whichever of the two answers.
            "sources": [min(source, other) for _, other in keys],
            "others": [max(source, other) for _, other in keys],
            "bars": [len(some) for some in differences],
            "deviations": [max(some) for some in differences],
        },
    )
