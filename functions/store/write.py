"""Writing of a fetched batch: insert and revise bars, and update the last fetch of unchanged ones."""

from psycopg import AsyncConnection

from functions.store.bar_versions import SourcePriority
from functions.store.merge import BarChanges, FetchedBatch, StoredBars, find_outranked, merge
from functions.store.queries import insert_bars, select_revisions, update_bars, update_seen_at, upsert_revisions
from shared.runtime import clock


async def write_batch(
    connection: AsyncConnection, interval: str, batch: FetchedBatch, stored: StoredBars, priority: SourcePriority
) -> BarChanges:
    """Write the changes that *batch* makes; UniqueViolation when a bar that was not there is there now."""
    outranked = find_outranked(batch, stored, priority)
    histories = await select_revisions(connection, interval, outranked) if outranked else {}
    now = clock.now()
    changes = merge(batch, stored, histories, priority, now)
    if changes.new:
        await insert_bars(connection, interval, batch, changes.new, now)
    if changes.seen:
        await update_seen_at(connection, interval, changes.seen, batch.at)
    await write_versions(connection, interval, changes)
    return changes


async def write_versions(connection: AsyncConnection, interval: str, changes: BarChanges) -> None:
    """Write the bars and revisions of *changes*, which the caller has locked."""
    if changes.moved:
        await update_bars(connection, interval, changes.moved)
    if changes.past:
        await upsert_revisions(connection, interval, changes.past)
