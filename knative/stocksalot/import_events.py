"""Bars and refused lines of CSV files as the events that store takes."""

import hashlib
from argparse import Namespace
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from functions.ingest.csv_files.hours import Refusal
from functions.ingest.csv_files.reading import FileBars, OpenFile, UserOverrides, make_bars, open_file
from functions.ingest.csv_files.table import UnreadableFileError
from functions.store.validation import RejectedBar, validate_bars
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar, BarsFetched, RefusedBar, Series

SOURCE = "import"

T = TypeVar("T", Bar, RefusedBar)

_BYTES = 750_000
"""JSON of the bars or refusals in one event: functions take 4 MiB, and one item has up to 50 kB."""


class ReadFile(NamedTuple):
    """One file: how it is understood, its bars, and which of them store would refuse."""

    file: OpenFile
    bars: FileBars
    doubted: list[RejectedBar]


class Import(NamedTuple):
    """Contents of the files of an import; *unreadable* are files that cannot be read, with the reason."""

    files: Sequence[ReadFile]
    unreadable: Mapping[Path, str]

    @property
    def bars(self) -> dict[str, list[Bar]]:
        """The bars of all files by ticker; of one that is in several the last file's."""
        found: dict[str, dict[datetime, Bar]] = {}
        for one in self.files:
            for ticker, bars in one.bars.bars.items():
                found.setdefault(ticker, {}).update((bar.start, bar) for bar in bars)
        return {ticker: [bars[start] for start in sorted(bars)] for ticker, bars in found.items() if bars}

    @property
    def refused(self) -> list[Refusal]:
        """The refused lines of all files."""
        return [refusal for one in self.files for refusal in one.bars.refused]

    @property
    def bar_count(self) -> int:
        """The number of bars."""
        return sum(map(len, self.bars.values()))


def read_files(arguments: Namespace, market: TradingCalendar, tickers: Collection[str], now: datetime) -> Import:
    """Return the content of the files of the command line; *tickers* are tracked."""
    stated = UserOverrides(
        arguments.ticker,
        arguments.zone,
        arguments.interval,
        arguments.dates,
        arguments.decimal,
        tuple(name for name in arguments.columns.split(",") if name),
    )
    known = dict.fromkeys(tickers, True)
    files: list[ReadFile] = []
    unreadable: dict[Path, str] = {}
    for path in arguments.files:
        try:
            file = open_file(path, stated, lambda *_: market, known)
            bars = make_bars(file, lambda *_: market, allow_gaps=arguments.allow_gaps)
        except UnreadableFileError as error:
            unreadable[path] = str(error)
            continue
        starts = [(ticker, bar.start, bar) for ticker, some in bars.bars.items() for bar in some]
        _, doubted = validate_bars(starts, interval="1h", fetched_at=now, market=market, tickers=known)
        files.append(ReadFile(file, bars, doubted))
    return Import(files, unreadable)


def make_events(found: Import, now: datetime) -> dict[str, BarsFetched]:
    """Return the events of an import by their ids, which are the same for the same files.

    The windows are empty: a bar that a file lacks may be at a provider.
    """
    bars, refused = found.bars, found.refused
    series = [
        Series(ticker=ticker, start=some[0].start, end=some[0].start, bars=tuple(some))
        for ticker, all_bars in bars.items()
        for some in _chunks(all_bars)
    ]
    series += [
        Series(ticker=ticker, start=now, end=now, bars=(), refused=tuple(some))
        for ticker in dict.fromkeys(one.ticker for one in refused)
        for some in _chunks([one.as_event() for one in refused if one.ticker == ticker])
    ]
    digest = hashlib.sha256(b"".join(one.file.path.read_bytes() for one in found.files)).hexdigest()[:16]
    return {
        f"import/{digest}/{number}": BarsFetched(
            interval="1h", source=SOURCE, fetched_at=now.astimezone(UTC), series=(one,)
        )
        for number, one in enumerate(series)
    }


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield *items* in lists of at most _BYTES of JSON, each of one item at least."""
    chunk: list[T] = []
    size = 0
    for item in items:
        length = len(msgspec.json.encode(item)) + 1
        if chunk and size + length > _BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += length
    if chunk:
        yield chunk
