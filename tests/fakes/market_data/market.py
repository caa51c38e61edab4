"""Data of the fake vendors: the exchange's days, and bars, from a file or simulated."""

import csv
import gzip
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from functions.ingest.providers import simulated
from functions.store.catalogue import read_catalogue
from shared.calendar.trading import LENGTHS, Session, TradingCalendar


class Row(NamedTuple):
    """A bar as a vendor holds it, named by its start in UTC."""

    start: datetime
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: Decimal | None


class Market:
    """Bars up to an instant, the one in progress included; without *bars* the simulated market's."""

    def __init__(self, market: TradingCalendar, bars: dict[tuple[str, str], list[Row]] | None = None) -> None:
        self.market = market
        self.companies = {company["ticker"]: company for company in read_catalogue()}
        self._bars = bars

    @property
    def symbols(self) -> set[str]:
        """Symbols that the vendors know."""
        return (
            {str(ticker) for ticker in self.companies} if self._bars is None else {symbol for symbol, _ in self._bars}
        )

    def rows(self, symbol: str, interval: str, start: datetime, end: datetime, now: datetime) -> list[Row]:
        """Return the bars that start in [start, end) and not after *now*, in order, the last perhaps unfinished."""
        end = min(end, now + timedelta(microseconds=1))
        found = (
            self._held(symbol, interval, start, end) if self._bars else self._simulated(symbol, interval, start, end)
        )
        if found and (unfinished := self._part(interval, found[-1].start, now)) is not None:
            found = [*found[:-1], _in_progress(found[-1], unfinished)]
        return found

    def is_whole(self, symbol: str, hour: Row) -> bool:
        """Return whether *hour* lasts an hour: the session's last lasts half of one."""
        session = self.market.session_at(hour.start)
        return not session or session.closes - hour.start > timedelta(minutes=30)

    def newest(self, symbol: str, now: datetime, count: int) -> list[Row]:
        """Return the newest *count* hourly bars, the one in progress included, in order."""
        return self.rows(symbol, "1h", now - timedelta(days=14), now, now)[-count:]

    def _held(self, symbol: str, interval: str, start: datetime, end: datetime) -> list[Row]:
        rows = (self._bars or {}).get((symbol, interval), [])
        starts: Callable[[Row], datetime] = lambda row: row.start  # noqa: E731
        return rows[bisect_left(rows, start, key=starts) : bisect_left(rows, end, key=starts)]

    def _simulated(self, symbol: str, interval: str, start: datetime, end: datetime) -> list[Row]:
        if interval not in LENGTHS:
            return []
        bars = simulated.bars(symbol, interval, self._between(start, end), start, end)
        return [Row(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]

    def _between(self, start: datetime, end: datetime) -> Sequence[Session]:
        sessions = self.market.sessions
        low = bisect_left(sessions, start, key=lambda session: session.closes)
        return sessions[low : bisect_left(sessions, end, key=lambda session: session.opens)]

    def _part(self, interval: str, start: datetime, now: datetime) -> Decimal | None:
        """Return which part of the bar that starts at *start* has passed, None when all of it has."""
        session = self.market.session_at(start)
        end = session.end(interval, start) if session else start + LENGTHS[interval]
        return Decimal((now - start) / (end - start)) if now < end else None


def read_bars(paths: Iterable[Path]) -> dict[tuple[str, str], list[Row]]:
    """Return the bars of CSV files (`.gz` too) by symbol and interval, in order of their starts.

    Columns: ticker, datetime (the start, UTC), interval, open, high, low, close, volume; an empty cell is None.
    """
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for path in paths:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                figures = (Decimal(row[name]) if row[name] else None for name in Row._fields[1:])
                found[row["ticker"], row["interval"]].append(Row(datetime.fromisoformat(row["datetime"]), *figures))
    return {key: sorted(rows, key=lambda row: row.start) for key, rows in found.items()}


def read_market(first: date, last: date) -> TradingCalendar:
    """Return the New York Stock Exchange's sessions from a calendar library: the outside market has its own."""
    import exchange_calendars  # half a second

    schedule = exchange_calendars.get_calendar("XNYS", start=first.isoformat(), end=last.isoformat()).schedule
    return TradingCalendar(
        [
            Session(day.date(), opens.to_pydatetime(), closes.to_pydatetime())
            for day, opens, closes in zip(schedule.index, schedule["open"], schedule["close"], strict=True)
        ]
    )


def _in_progress(row: Row, part: Decimal) -> Row:
    """Return what a bar looks like while it lasts: on its way from its open to its close."""
    if row.open is None or row.close is None or row.high is None or row.low is None:
        return row
    digits = min(row.close.as_tuple().exponent, row.open.as_tuple().exponent)
    close = row.open + (row.close - row.open) * part
    close = close.quantize(Decimal(1).scaleb(digits)) if isinstance(digits, int) else close
    high = max(row.open, close) if part < Decimal("0.5") else row.high
    low = min(row.open, close) if part < Decimal("0.5") else row.low
    volume = None if row.volume is None else (row.volume * part).to_integral_value()
    return Row(row.start, row.open, max(high, close), min(low, close), close, volume)
