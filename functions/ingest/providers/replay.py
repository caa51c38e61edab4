"""Bars from the user's own CSV files, each served once the clock has passed its end."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from functions.ingest.csv_files.grid import regular_calendar
from functions.ingest.csv_files.reading import FileBars, OpenFile, Stated, make_bars, open_file
from functions.ingest.csv_files.table import UnreadableFileError
from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import FetchResult, ProviderError
from functions.ingest.settings import Providers
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar, RefusedBar
from shared.runtime import clock

_logger = logging.getLogger(__name__)

_AROUND = timedelta(days=1)


class Replay:
    """CSV files in any format that `functions.ingest.csv_files` reads.

    They are read at the first fetch, and again when they have changed.
    """

    name = "replay"

    def __init__(self, settings: Providers) -> None:
        self._paths = [Path(name) for name in settings.replay_files]
        self._stated = Stated(zone=settings.replay_zone)
        self._files: list[OpenFile] = []
        self._versions: list[tuple[int, int]] | None = None

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:
        """Serve all *asks*; ProviderError when a file cannot be read."""
        if (versions := self._stat()) != self._versions:
            self._files = [self._open(path) for path in self._paths]
            self._versions = versions
        if interval != "1h" or not market.sessions:
            return FetchResult({ask: [] for ask in asks})
        found = [self._make(file, {ask.ticker for ask in asks}, market) for file in self._files]
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
        return FetchResult(bars, refused={ask: some for ask in asks if (some := _refused(ask, found))})

    def _stat(self) -> list[tuple[int, int]]:
        """Return what changes when a file does."""
        try:
            return [(stat.st_mtime_ns, stat.st_size) for stat in (path.stat() for path in self._paths)]
        except OSError as error:
            raise ProviderError(f"replay: {error}") from error

    def _open(self, path: Path) -> OpenFile:
        try:
            file = open_file(path, self._stated, regular_calendar)
        except UnreadableFileError as error:
            raise ProviderError(f"replay: {path.name}: {error}") from error
        _logger.info("replay: %s has %d lines, %d of them refused", path.name, file.lines, len(file.refused))
        return file

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


def _refused(ask: FetchRequest, files: Sequence[FileBars]) -> tuple[RefusedBar, ...]:
    """Return what is refused of the ticker and window of *ask*, or at no known time."""
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
