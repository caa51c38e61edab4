"""Bars from CSV files of the user's own, each told only once the clock has passed its end."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import FetchResult, ProviderError
from functions.ingest.providers.parsing import parse_decimal
from functions.ingest.settings import Providers
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar
from shared.runtime import clock

COLUMNS = {"ticker", "datetime", "interval", "open", "high", "low", "close", "volume"}


class Replay:
    """CSV files (`.gz` too) with the columns of COLUMNS; others are read over. *datetime* is the start, in UTC.

    The files are read at the first fetch, and again when they have changed.
    """

    name = "replay"

    def __init__(self, settings: Providers) -> None:
        self._files = settings.replay_files
        self._bars: dict[tuple[str, str], list[Bar]] = {}
        self._versions: list[tuple[int, int]] | None = None

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:
        """Serve all *asks*; ProviderError when a file cannot be read."""
        if (versions := self._stat()) != self._versions:
            self._bars = self._read()
            self._versions = versions
        now = clock.now()
        found: dict[FetchRequest, list[Bar]] = {}
        for ask in asks:
            bars = self._bars.get((ask.ticker, interval), [])
            found[ask] = [
                bar for bar in bars if ask.start <= bar.start < ask.end and _ended(bar, interval, market, now)
            ]
        return FetchResult(found)

    def _stat(self) -> list[tuple[int, int]]:
        """Return what changes when a file does."""
        try:
            return [(stat.st_mtime_ns, stat.st_size) for stat in (Path(name).stat() for name in self._files)]
        except OSError as error:
            raise ProviderError(f"replay: {error}") from error

    def _read(self) -> dict[tuple[str, str], list[Bar]]:
        found: dict[tuple[str, str], list[Bar]] = defaultdict(list)
        for name in self._files:
            try:
                for row in _rows(Path(name)):
                    found[row["ticker"], row["interval"]].append(_bar(row))
            except (OSError, EOFError, ValueError, UnicodeDecodeError, csv.Error) as error:
                raise ProviderError(f"replay: {Path(name).name}: {error}") from error
        return dict(found)


def _ended(bar: Bar, interval: str, market: TradingCalendar, now: datetime) -> bool:
    session = market.session_at(bar.start)
    return bar.start < now if session is None else session.end(interval, bar.start) <= now


def _rows(path: Path) -> Iterator[dict[str, str]]:
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := COLUMNS - set(rows.fieldnames or ()):
            raise ValueError(f"lacks the columns {', '.join(sorted(missing))}")
        yield from rows


def _bar(row: dict[str, str]) -> Bar:
    start = datetime.fromisoformat(row["datetime"])
    return Bar(
        start=start if start.tzinfo else start.replace(tzinfo=UTC),
        open=parse_decimal(row["open"]),
        high=parse_decimal(row["high"]),
        low=parse_decimal(row["low"]),
        close=parse_decimal(row["close"]),
        volume=parse_decimal(row["volume"]),
    )


PROVIDER = Replay
