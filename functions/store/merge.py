"""Merge of a fetched batch into the stored bars. Pure: values to values, no I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from functions.store.bar_versions import BarVersion, SourcePriority
from functions.store.validation import BarBatch, ValidBar

Key = tuple[str, datetime]
"""Ticker and start; the interval is that of the batch."""


class StoredBar(NamedTuple):
    """The version of a bar that is served since *served_at*, and how many were before it."""

    version: BarVersion
    revision: int
    served_at: datetime

    def supersede(self, key: Key, version: BarVersion, now: datetime) -> tuple["StoredBar", "BarRevision"]:
        """Return the bar at *key* after *version* has replaced this one, which becomes a revision."""
        replaced = StoredBar(version, self.revision + 1, max(now, self.served_at))
        return replaced, BarRevision(key, self.revision, self.version, replaced.served_at, self.served_at)


class BarRevision(NamedTuple):
    """A version of a bar that was served until *superseded_at*; one that never was has a number below 0."""

    key: Key
    revision: int
    version: BarVersion
    superseded_at: datetime
    served_at: datetime | None


class FetchedBatch(NamedTuple):
    """The bars that one source gave at one instant."""

    source: str
    at: datetime
    bars: BarBatch

    def version(self, bar: ValidBar) -> BarVersion:
        """Return *bar* as a version."""
        volume = None if bar.volume is None else int(bar.volume)
        return BarVersion(bar.open, bar.high, bar.low, bar.close, volume, self.source, self.at, self.at)


class BarChanges(NamedTuple):
    """Changes to write, each list in the order of the key, and their counts."""

    new: Sequence[tuple[str, datetime, ValidBar]] = ()
    seen: Sequence[Key] = ()
    """Bars without a change: only the time of the last response is updated."""
    moved: Sequence[tuple[Key, StoredBar]] = ()
    past: Sequence[BarRevision] = ()
    revised: int = 0
    """Number of bars whose figures changed."""

    @property
    def is_visible(self) -> bool:
        """Return whether any change is visible to readers."""
        return bool(self.new or self.moved)


StoredBars = Mapping[str, Mapping[datetime, StoredBar]]
"""Stored bars by ticker and start."""


def find_outranked(batch: FetchedBatch, stored_bars: StoredBars, priority: SourcePriority) -> list[Key]:
    """Return the bars of *batch* that another version outranks: few, as answers rarely arrive late."""
    ours = priority.trust_key(batch.source, batch.at)
    return [
        (ticker, start)
        for ticker, bars in batch.bars.items()
        if ticker in stored_bars
        for start, bar in bars.items()
        if (stored := stored_bars[ticker].get(start))
        and priority.trust_key(stored.version.source, stored.version.seen_at) >= ours
        and not (version := batch.version(bar)).repeats(stored.version)
        and priority.outranks(stored.version, version)
    ]


def merge(
    batch: FetchedBatch,
    stored_bars: StoredBars,
    histories: Mapping[Key, Sequence[BarRevision]],
    priority: SourcePriority,
    now: datetime,
) -> BarChanges:
    """Return the changes that *batch* makes *now*, given the revisions of the bars that find_outranked returns."""
    new: list[tuple[str, datetime, ValidBar]] = []
    seen: list[Key] = []
    moved: list[tuple[Key, StoredBar]] = []
    past: list[BarRevision] = []
    revised = 0
    for ticker, bars in batch.bars.items():
        known = stored_bars.get(ticker, {})
        for start, bar in bars.items():
            if (stored := known.get(start)) is None:
                new.append((ticker, start, bar))
                continue
            key, version = (ticker, start), batch.version(bar)
            is_higher = priority.outranks(version, stored.version)
            if version.repeats(stored.version):
                if is_higher:
                    seen.append(key)
            elif is_higher:
                replaced, revision = stored.supersede(key, version, now)
                moved.append((key, replaced))
                past.append(revision)
                revised += not version.has_same_figures(stored.version)
            elif outranked := _outranked(key, version, stored.version, histories.get(key, ())):
                past.append(outranked)
    return BarChanges(new, seen, moved, past, revised)


def _outranked(key: Key, version: BarVersion, served: BarVersion, history: Sequence[BarRevision]) -> BarRevision | None:
    """Return the revision to write for a *version* that is not served, None when *history* has it.

    A source's newest figures last until it gives others, so that they are known where they have to be served after all.
    """
    own = [one for one in history if one.version.source == version.source]
    same = [one for one in own if one.version.has_same_figures(version)]
    given = [one.version.seen_at for one in own] + [served.seen_at] * (served.source == version.source)
    newest = max(given, default=version.seen_at)
    for one in same:
        if one.version.received_at <= version.seen_at <= one.version.seen_at:
            return None
        if one.version.seen_at == newest < version.seen_at:
            return one._replace(version=one.version._replace(seen_at=version.seen_at))
    if same and version.seen_at < newest:
        return None
    number = min((one.revision for one in history), default=0)
    return BarRevision(key, min(number, 0) - 1, version, version.received_at, None)
