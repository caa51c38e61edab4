"""Lines of a CSV file as bars of their own length, each with its place in the file; faulty ones with the reason."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from functions.ingest.csv_files.columns import FIGURES, PRICES, Columns
from functions.ingest.csv_files.figures import parse_figure
from functions.ingest.csv_files.table import Line, UnreadableFileError
from functions.ingest.csv_files.times import FIRST_YEAR, LAST_YEAR, DateOrder, parse_time

_ZERO = Decimal()
_LENGTHS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 3, 5, 10, 15, 20, 30, 60))
_DAY = timedelta(days=1)
_SAID = re.compile(r"(\d{0,5})\s*([a-z]*)")
_UNITS = {
    **dict.fromkeys(("", "m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days", "daily"), _DAY),
    **dict.fromkeys(("w", "wk", "week", "weekly", "mo", "month", "monthly"), 7 * _DAY),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), timedelta(seconds=1)),
}


class Fault(NamedTuple):
    """Reason for refusing a line: code, column at fault, and a sentence."""

    reason: str
    column: str
    detail: str


class Quote(NamedTuple):
    """One line read: its time as the file has it, and its figures. The cells of *line* are dropped to save memory."""

    line: Line
    ticker: str
    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None

    @property
    def figures(self) -> tuple[Decimal | None, ...]:
        """Open, high, low, close, volume."""
        return self[3:]


def read_line(line: Line, ticker: str, columns: Columns, order: DateOrder, mark: str) -> Quote | Fault:
    """Return the bar in *line*, or why it is none."""
    if len(line.cells) <= max(columns.places[role] for role in columns.places if role != "volume"):
        return Fault("line-incomplete", "", f"The line has {len(line.cells)} cells, the header names more.")
    time = parse_time(time_text(line, columns), order)
    if time is None:
        column = columns.name("datetime" if "datetime" in columns.places else "date")
        return Fault("time-unreadable", column, _time_fault(time_text(line, columns), order))
    figures = {name: parse_figure(cell_of(line, columns, name), mark) for name in FIGURES}
    for name in PRICES:
        price = figures[name]
        if price is None:
            return Fault("price-missing", columns.name(name), "A bar needs open, high, low and close.")
        if price.is_nan():
            text = cell_of(line, columns, name)
            return Fault("price-not-a-number", columns.name(name), f"{text[:60]!r} is no price here.")
        if price <= _ZERO:
            return Fault("price-not-positive", columns.name(name), f"The price is {price}.")
    quote = Quote(line._replace(cells=[]), ticker, time, **figures)  # pyright: ignore[reportArgumentType]  no price is None here
    if quote.low > min(quote.open, quote.close):
        return Fault("low-not-lowest", columns.name("low"), f"The low {quote.low} is above open or close.")
    if quote.high < max(quote.open, quote.close):
        return Fault("high-not-highest", columns.name("high"), f"The high {quote.high} is below open or close.")
    return quote


def _time_fault(text: str, order: DateOrder) -> str:
    if parse_time(text, "eu" if order == "us" else "us"):
        first, other = ("month", "day") if order == "us" else ("day", "month")
        return f"The date begins with the {other}, the dates of the file begin with the {first}."
    return f"The bar has no readable time of the years {FIRST_YEAR} to {LAST_YEAR}."


def cell_of(line: Line, columns: Columns, role: str) -> str:
    """Return the cell of *role*, empty when the line or the file has none."""
    place = columns.places.get(role)
    return "" if place is None or place >= len(line.cells) else line.cells[place]


def time_text(line: Line, columns: Columns) -> str:
    """Return the time of *line* as text; a date and a time in two columns are joined."""
    if "datetime" in columns.places:
        return cell_of(line, columns, "datetime")
    return f"{cell_of(line, columns, 'date')} {cell_of(line, columns, 'time')}".strip()


def parse_interval(text: str) -> timedelta:
    """Return the length that an interval names, as vendors write it: `60`, `1h`, `30Min`, `M5`, `D`."""
    said = text.strip().casefold()
    found = _SAID.fullmatch(said) or _SAID.fullmatch(f"{said[1:]}{said[:1]}")
    if found is None or found[2] not in _UNITS or (not found[1] and not found[2]):
        raise UnreadableFileError(f"no interval {text!r}; state it with --interval, as 1min, 5min, 30min or 1h")
    return int(found[1] or 1) * _UNITS[found[2]]


def find_interval(times_of: Iterable[Sequence[datetime]]) -> timedelta:
    """Return the most frequent distance between times (sorted) of one ticker; UnreadableFileError when none is."""
    distances = Counter(after - before for times in times_of for before, after in pairwise(times) if after > before)
    if not distances:
        raise UnreadableFileError("too few bars to tell their length: state it with --interval, as 1min or 1h")
    return distances.most_common(1)[0][0]


def check_interval(length: timedelta) -> Fault | None:
    """Return why bars of *length* cannot become hours, None when they can."""
    if length in _LENGTHS:
        return None
    if length >= _DAY - timedelta(hours=2):
        detail = "Daily and longer bars cannot be divided into hours: days are derived from hours, never stored."
        return Fault("interval-derived", "", detail)
    return Fault("interval-unknown", "", f"Bars of {length} cannot become hours; 1 to 30 minutes and 1 hour can.")
