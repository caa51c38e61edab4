"""Writing of a fetched batch: insert, revise, or note that it says the same."""

from collections.abc import Mapping
from datetime import datetime

from psycopg import AsyncConnection

from functions.store.bar_versions import SourcePriority
from functions.store.merge import BarChanges, FetchedBatch, StoredBar, StoredBars, find_out_of_order, merge
from functions.store.queries import insert_bars, select_revisions, update_bars, update_seen_at, upsert_revisions


class RacedError(Exception):
    """Another store inserted one of our bars after we had looked."""


async def write_batch(
    connection: AsyncConnection, interval: str, batch: FetchedBatch, stored: StoredBars, trust: SourcePriority
) -> BarChanges:
    """Write the changes that *batch* makes; RacedError when a bar that was not there is there now."""
    late = find_out_of_order(batch, stored, trust)
    histories = await select_revisions(connection, interval, late) if late else {}
    changes = merge(batch, stored, histories, trust)
    if changes.new and await insert_bars(connection, interval, batch, changes.new) < len(changes.new):
        raise RacedError
    if changes.seen:
        await update_seen_at(connection, interval, changes.seen, batch.at)
    if changes.moved:
        await update_bars(connection, interval, changes.moved)
    if changes.past:
        await upsert_revisions(connection, interval, changes.past)
    return changes


def after(stored: Mapping[datetime, StoredBar], changes: BarChanges) -> dict[datetime, StoredBar]:
    """Return the bars of one ticker in *stored* as they are after *changes*."""
    return {**stored, **{start: bar for (_, start), bar in changes.moved if start in stored}}
