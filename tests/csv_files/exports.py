"""Exports of bars as CSV text in the many ways that people have them, and what hours they hold."""

import gzip
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from functions.ingest.csv_files.reading import FileBars, OpenFile, UserOverrides, make_bars, open_file
from functions.ingest.providers import simulated
from shared.calendar.trading import LENGTHS, Session, TradingCalendar
from shared.events.types import Bar
from tests.fake_vendors import exchange

NEW_YORK = ZoneInfo("America/New_York")
TICKERS = ("AAPL", "BRK.B", "KO")
WEEKS = (date(2026, 10, 26), date(2026, 11, 2), date(2026, 11, 23))
"""Around the end of daylight saving time, and Thanksgiving with its half day."""

SESSIONS = [one for one in exchange().sessions if one.date - timedelta(days=one.date.weekday()) in WEEKS]


class Style(NamedTuple):
    """How an export writes bars."""

    header: str = "ticker,datetime,open,high,low,close,volume"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    time: Callable[[datetime], str] = lambda time: time.isoformat(sep=" ")
    zone: tzinfo = UTC
    naive: bool = False
    named_by_end: bool = False
    newest_first: bool = False
    encoding: str = "utf-8"
    gzip: bool = False


@cache
def bars_of(ticker: str, interval: str) -> list[Bar]:
    """The bars of a ticker in SESSIONS."""
    return simulated.bars(ticker, interval, SESSIONS, SESSIONS[0].opens, SESSIONS[-1].closes)


def hours_of(ticker: str, interval: str) -> dict[datetime, tuple[object, ...]]:
    """The hours that the bars of *interval* add up to, by their start."""
    found: dict[datetime, list[Bar]] = {}
    for session in SESSIONS:
        hours = list(session.starts("1h"))
        for bar in bars_of(ticker, interval):
            if session.opens <= bar.start < session.closes:
                found.setdefault(max(hour for hour in hours if hour <= bar.start), []).append(bar)
    return {start: together(bars) for start, bars in found.items()}


def together(bars: Sequence[Bar]) -> tuple[object, ...]:
    """Open, high, low, close and volume of *bars* as one."""
    return (
        bars[0].open,
        max(bar.high for bar in bars if bar.high is not None),
        min(bar.low for bar in bars if bar.low is not None),
        bars[-1].close,
        sum(bar.volume for bar in bars if bar.volume is not None),
    )


def row(ticker: str, interval: str, bar: Bar, style: Style, end: datetime | None = None) -> str:
    """One bar as a line; *end* instead of its start where bars are named so."""
    time = (end or bar.start).astimezone(style.zone)
    text = style.time(time.replace(tzinfo=None) if style.naive else time)
    cells = {
        "ticker": ticker,
        "interval": interval,
        "datetime": text,
        "<DATE>": text.partition(" ")[0],
        "<TIME>": text.partition(" ")[2],
        **{name: figure(getattr(bar, name), style) for name in ("open", "high", "low", "close", "volume")},
    }
    return style.delimiter.join(
        f'"{cell}"' if style.delimiter in cell else cell
        for cell in (cells.get(ROLES.get(name, name), "7") for name in style.header.split(","))
    )


ROLES = {
    "<TICKER>": "ticker",
    "symbol": "ticker",
    "<PER>": "interval",
    "<OPEN>": "open",
    "<HIGH>": "high",
    "<LOW>": "low",
    "<CLOSE>": "close",
    "<VOL>": "volume",
    "Datetime": "datetime",
    "Date": "datetime",
    "date": "datetime",
    "time": "datetime",
    "timestamp": "datetime",
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
}


def figure(value: object, style: Style) -> str:
    """A figure with the marks of *style*."""
    return f"{value:,f}".translate(str.maketrans({",": style.thousands, ".": style.decimal}))


def end_of(bar: Bar, interval: str) -> datetime:
    """When a bar ends: at the close for the last of a session."""
    session = exchange().session_at(bar.start)
    assert session is not None
    return session.end(interval, bar.start)


def write(path: Path, style: Style, interval: str, tickers: Sequence[str] = TICKERS) -> Path:
    """Write the bars of *tickers* to *path*."""
    lines = [
        row(ticker, interval, bar, style, end_of(bar, interval) if style.named_by_end else None)
        for ticker in tickers
        for bar in (bars_of(ticker, interval)[::-1] if style.newest_first else bars_of(ticker, interval))
    ]
    return write_lines(path, style, lines)


def write_lines(path: Path, style: Style, lines: Sequence[str]) -> Path:
    """Write *lines* below the header."""
    content = "\r\n".join([style.header.replace(",", style.delimiter), *lines, ""]).encode(style.encoding)
    path.write_bytes(gzip.compress(content) if style.gzip else content)
    return path


def read(path: Path, known: Sequence[str] = TICKERS, **stated: object) -> FileBars:
    """Return the result of reading a file."""
    return make_bars(opened(path, known, **stated), calendar, allow_gaps=bool(stated.get("allow_gaps")))


def opened(path: Path, known: Sequence[str] = TICKERS, **stated: object) -> OpenFile:
    """How the reader understands a file."""
    return open_file(path, UserOverrides(**stated), calendar, known)  # pyright: ignore[reportArgumentType]


def calendar(first: datetime, end: datetime) -> TradingCalendar:
    """The exchange's sessions between two instants."""
    return TradingCalendar([one for one in exchange().sessions if one.closes > first and one.opens < end])


def found(file: FileBars) -> dict[str, dict[datetime, tuple[object, ...]]]:
    """The bars of a file by ticker and start."""
    return {
        ticker: {bar.start: (bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars}
        for ticker, bars in file.bars.items()
    }


def expected(interval: str, tickers: Sequence[str] = TICKERS) -> dict[str, dict[datetime, tuple[object, ...]]]:
    """Return the hours of each ticker that a file of whole bars of *interval* makes."""
    return {ticker: hours_of(ticker, interval) for ticker in tickers}


def clock_hours(session: Session) -> list[datetime]:
    """The starts of a session's bars where hours are cut on the clock."""
    starts = [session.opens]
    while (following := starts[-1].replace(minute=0) + LENGTHS["1h"]) < session.closes:
        starts.append(following)
    return starts


HALF_HOUR = timedelta(minutes=30)


HEADER = "datetime,open,high,low,close,volume"


def naive_lines(layout: str, times: Iterable[datetime]) -> list[str]:
    """Lines of equal bars at *times*, written as *layout* says."""
    return [f"{time:{layout}},1.5,1.5,1.5,1.5,7" for time in times]


def hours_in(year: int, months: Iterable[int], days: Iterable[int]) -> list[datetime]:
    """The starts of the hours of working days."""
    dates = [datetime(year, month, day, 9, 30) for month in months for day in days]  # noqa: DTZ001
    return [date + timedelta(hours=hour) for date in dates if date.weekday() < 5 for hour in range(7)]
