"""Merge of a fetched batch into the stored bars. Pure: values to values, no I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from functions.store.bar_versions import BarVersion, SourcePriority, affects_newest_only, insert_version
from functions.store.validation import BarBatch, ValidBar

Key = tuple[str, datetime]
"""Ticker and start; the interval is that of the batch."""


class StoredBar(NamedTuple):
    """The current version of a bar, and the number of older or less trusted ones."""

    version: BarVersion
    revision: int


class BarRevision(NamedTuple):
    """An older or less trusted version of a bar."""

    key: Key
    revision: int
    version: BarVersion
    superseded_at: datetime


class FetchedBatch(NamedTuple):
    """The bars that one source gave at one instant."""

    source: str
    at: datetime
    bars: BarBatch

    def version(self, bar: ValidBar) -> BarVersion:
        """Return what *bar* says as a version."""
        volume = None if bar.volume is None else int(bar.volume)
        return BarVersion(bar.open, bar.high, bar.low, bar.close, volume, self.source, self.at, self.at)


class BarChanges(NamedTuple):
    """Changes to write, each list in the order of the key, and their counts."""

    new: Sequence[tuple[str, datetime, ValidBar]] = ()
    seen: Sequence[Key] = ()
    """Nothing but the time of the last answer moves."""
    moved: Sequence[tuple[Key, StoredBar]] = ()
    past: Sequence[BarRevision] = ()
    revised: int = 0
    """Number of bars whose figures changed."""

    @property
    def news(self) -> bool:
        """Return whether any change is visible to readers."""
        return bool(self.new or self.moved)


StoredBars = Mapping[str, Mapping[datetime, StoredBar]]
"""Stored bars by ticker and start."""


def find_out_of_order(batch: FetchedBatch, stored_bars: StoredBars, trust: SourcePriority) -> list[Key]:
    """Return the bars that can only be placed by their whole history: few, as answers rarely arrive late."""
    return [
        (ticker, start)
        for ticker, bars in batch.bars.items()
        if ticker in stored_bars
        for start, bar in bars.items()
        if (stored := stored_bars[ticker].get(start))
        and stored.revision
        and not affects_newest_only(stored.version, batch.version(bar), trust)
    ]


def merge(
    batch: FetchedBatch, stored_bars: StoredBars, histories: Mapping[Key, list[BarVersion]], trust: SourcePriority
) -> BarChanges:
    """Return the changes that *batch* makes. Without a history, only the current version can change."""
    new: list[tuple[str, datetime, ValidBar]] = []
    seen: list[Key] = []
    moved: list[tuple[Key, StoredBar]] = []
    past: list[BarRevision] = []
    revised = 0
    for ticker, bars in batch.bars.items():
        known = stored_bars.get(ticker, {})
        for start, bar in bars.items():
            stored = known.get(start)
            if stored is None:
                new.append((ticker, start, bar))
                continue
            version, revision = stored
            behind = histories.get((ticker, start), [])
            placed = insert_version([*behind, version], batch.version(bar), trust)
            last = placed[-1]
            if placed[:-1] == behind and last == version._replace(seen_at=last.seen_at):
                if last.seen_at != version.seen_at:
                    seen.append((ticker, start))
                continue
            oldest = revision - len(behind)
            moved.append(((ticker, start), StoredBar(last, oldest + len(placed) - 1)))
            past += [
                BarRevision((ticker, start), oldest + index, superseded, following.received_at)
                for index, (superseded, following) in enumerate(pairwise(placed))
            ]
            revised += not last.says(version)
    return BarChanges(new, seen, moved, past, revised)
