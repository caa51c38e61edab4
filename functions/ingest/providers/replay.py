"""Bars from the user's own CSV files, each served once the clock has passed its end."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from functions.ingest.csv_files.grid import regular_calendar
from functions.ingest.csv_files.reading import FileBars, OpenFile, UserOverrides, make_bars, open_file
from functions.ingest.csv_files.table import UnreadableFileError
from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import FetchResult, ProviderError
from functions.ingest.settings import Providers
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar, RefusedBar
from shared.runtime import clock

_logger = logging.getLogger(__name__)

_AROUND = timedelta(days=1)
_LONGEST = 16 * 1024 * 1024
"""Bytes of a file, unpacked: ingest has little memory, longer files are for the verb `import`."""


class Replay:
    """CSV files in any format that `functions.ingest.csv_files` reads.

    They are read at the first fetch, and again when they have changed; in a thread, because that takes seconds.
    """

    name = "replay"

    def __init__(self, settings: Providers) -> None:
        self._paths = [Path(name) for name in settings.replay_files]
        self._stated = UserOverrides(zone=settings.replay_zone)
        self._files: list[OpenFile] = []
        self._unreadable: list[str] = []
        self._versions: list[tuple[int, int] | None] = []
        self._lock = Lock()

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:
        """Serve *asks* from the readable files; ProviderError when there is none.

        While a file cannot be read, a ticker that the others lack is a failure: its bars may be in that file.
        """
        return await asyncio.to_thread(self._serve, asks, interval, market)

    def _serve(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:
        files, unreadable = self._read()
        if interval != "1h" or not market.sessions:
            return FetchResult({ask: [] for ask in asks})
        found: list[FileBars] = []
        for file in files:
            try:
                found.append(self._make(file, {ask.ticker for ask in asks}, market))
            except UnreadableFileError as error:
                unreadable.append(f"{file.path.name}: {error}")
        why = "; ".join(unreadable)
        if not found:
            raise ProviderError(f"replay: {why}")
        now = clock.now()
        bars = {
            ask: [
                bar
                for one in found
                for bar in one.bars.get(ask.ticker, ())
                if ask.start <= bar.start < ask.end and _has_ended(bar, market, now)
            ]
            for ask in asks
        }
        failures = {ask: why for ask in asks if why and not bars[ask]}
        return FetchResult(
            {ask: bars[ask] for ask in asks if ask not in failures},
            failures=failures,
            refused={ask: some for ask in asks if (some := _refused(ask, found))},
        )

    def _read(self) -> tuple[list[OpenFile], list[str]]:
        """Return the readable files, and the others with the reason."""
        with self._lock:
            if (versions := [_version(path) for path in self._paths]) != self._versions:
                self._files, self._unreadable = [], []
                for path in self._paths:
                    self._open(path)
                self._versions = versions
            return self._files, list(self._unreadable)

    def _open(self, path: Path) -> None:
        try:
            file = open_file(path, self._stated, regular_calendar, longest=_LONGEST)
        except UnreadableFileError as error:
            self._unreadable.append(f"{path.name}: {error}")
            _logger.error("replay: %s: %s", path.name, error)
            return
        self._files.append(file)
        _logger.info("replay: %s has %d lines, %d of them refused", path.name, file.lines, len(file.refused))

    def _make(self, file: OpenFile, tickers: set[str], market: TradingCalendar) -> FileBars:
        """Return the hours of *tickers* in the sessions of *market*."""
        first, last = market.sessions[0].opens - _AROUND, market.sessions[-1].closes + _AROUND
        groups = [
            group._replace(
                quotes=[
                    quote
                    for quote in group.quotes
                    if quote.ticker in tickers
                    and (group.clock is None or first <= group.clock.instant(quote.time) <= last)
                ]
            )
            for group in file.groups
        ]
        refused = [one for one in file.refused if one.ticker in tickers]
        return make_bars(file._replace(groups=groups, refused=refused), lambda *_: market)


def _version(path: Path) -> tuple[int, int] | None:
    """Return the version of the file at *path*, which changes with it; None if there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _refused(ask: FetchRequest, files: Sequence[FileBars]) -> tuple[RefusedBar, ...]:
    """Return the refused bars of the ticker and window of *ask*, and those at no known time."""
    return tuple(
        one.as_event()
        for file in files
        for one in file.refused
        if one.ticker == ask.ticker and (one.start is None or ask.start <= one.start < ask.end)
    )


def _has_ended(bar: Bar, market: TradingCalendar, now: datetime) -> bool:
    session = market.session_at(bar.start)
    return bar.start < now if session is None else session.end("1h", bar.start) <= now


PROVIDER = Replay
