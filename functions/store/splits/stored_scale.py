"""Conversion of stored bars to the scale after a split, and back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import prod

from psycopg import AsyncConnection

from functions.store.bar_versions import BarVersion, SourcePriority
from functions.store.merge import BarChanges, BarRevision, FetchedBatch, Key, StoredBar
from functions.store.queries import select_revisions
from functions.store.splits.fit import Divisor
from functions.store.splits.queries import select_bars_before
from functions.store.splits.scale import rescale_bar
from functions.store.validation import PricedBar
from functions.store.write import write_versions
from shared.runtime import clock

_HOURLY = "1h"


async def scale_stored(
    connection: AsyncConnection,
    ticker: str,
    divisors: Collection[Divisor],
    at: datetime,
    priority: SourcePriority,
    covered: Mapping[datetime, int] | None = None,
) -> dict[datetime, StoredBar]:
    """Divide the prices of the stored hourly bars of *ticker* by *divisors*; return the bars after that.

    The figures before it become a revision. Bars in *covered* are left to a fetched bar of that rank.
    """
    bars = await select_bars_before(connection, ticker, _HOURLY, max(one.starts_at for one in divisors))
    scaled: dict[datetime, PricedBar] = {}
    for start, (version, *_) in bars.items():
        if covered and start in covered and covered[start] >= priority.rank(version.source):
            continue
        factor = prod((one.factor for one in divisors if start < one.starts_at), start=Decimal(1))
        scaled[start] = rescale_bar(version, start, factor)
    return await _write(connection, ticker, bars, scaled, at)


async def restore_stored(
    connection: AsyncConnection, ticker: str, divisor: Divisor, at: datetime
) -> dict[datetime, StoredBar]:
    """Undo the division of the stored hourly bars of *ticker* by *divisor*; return the bars after that."""
    bars = await select_bars_before(connection, ticker, _HOURLY, divisor.starts_at)
    histories = await select_revisions(connection, _HOURLY, [(ticker, start) for start in bars]) if bars else {}
    restored = {
        start: undo_divisor(version, start, divisor.factor, [one.version for one in histories.get((ticker, start), ())])
        for start, (version, *_) in bars.items()
    }
    return await _write(connection, ticker, bars, restored, at)


def undo_divisor(version: BarVersion, start: datetime, factor: Decimal, history: Sequence[BarVersion]) -> PricedBar:
    """Return *version* as it was before a division by *factor*.

    The newest version in *history* that the division turns into *version* has the exact figures. Without one (the bar
    came on the new scale) they are computed, and rounded.
    """
    for earlier in reversed(history):
        if rescale_bar(earlier, start, factor)[1:] == version[:5]:
            return rescale_bar(earlier, start, Decimal(1))
    return rescale_bar(version, start, 1 / factor)


async def _write(
    connection: AsyncConnection,
    ticker: str,
    bars: dict[datetime, StoredBar],
    converted: Mapping[datetime, PricedBar],
    at: datetime,
) -> dict[datetime, StoredBar]:
    """Store *converted* as newer versions of *bars* by the same sources, and return the bars after that."""
    now = clock.now()
    moved: list[tuple[Key, StoredBar]] = []
    past: list[BarRevision] = []
    for start, bar in converted.items():
        stored = bars[start]
        # Later than every earlier answer, so that it stands.
        batch = FetchedBatch(stored.version.source, max(at, stored.version.seen_at), {})
        replaced, revision = stored.supersede((ticker, start), batch.version(bar), now)
        moved.append((revision.key, replaced))
        past.append(revision)
    await write_versions(connection, _HOURLY, BarChanges(moved=moved, past=past))
    return bars | {start: bar for (_, start), bar in moved}
