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
from functions.ingest.csv_files.table import Line, UnreadableFileError, split_cells
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


class Figures(NamedTuple):
    """Figures of a bar; a volume that cannot be read is NaN."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None


class TextFormat(NamedTuple):
    """Format of a file's text."""

    columns: Columns
    encoding: str
    delimiter: str
    decimal: str
    dates: DateOrder

    def cells(self, line: Line) -> list[str]:
        """Return the cells of *line*."""
        return split_cells(line.text, self.delimiter)

    def figures(self, cells: Sequence[str]) -> list[Decimal | None]:
        """Return open, high, low, close and volume of a line: None where there is none, NaN where it cannot be read."""
        return [parse_figure(cell_of(cells, self.columns, name), self.decimal) for name in FIGURES]


class Quote(NamedTuple):
    """One readable line: its time as the file has it; its figures are parsed when needed, to save memory."""

    line: Line
    ticker: str
    time: datetime
    style: TextFormat

    @property
    def figures(self) -> Figures:
        """The figures, which have been checked."""
        return Figures(*self.style.figures(self.style.cells(self.line)))  # pyright: ignore[reportArgumentType]  no price is None here


def read_line(line: Line, cells: Sequence[str], ticker: str, style: TextFormat) -> Quote | Fault:
    """Return the bar in *line*, or why it is none."""
    columns = style.columns
    if len(cells) <= max(columns.places[role] for role in columns.places if role != "volume"):
        return Fault("line-incomplete", "", f"The line has {len(cells)} cells, the header names more.")
    time = parse_time(time_text(cells, columns), style.dates)
    if time is None:
        column = columns.name("datetime" if "datetime" in columns.places else "date")
        return Fault("time-unreadable", column, _time_fault(time_text(cells, columns), style.dates))
    opened, high, low, close, _ = figures = style.figures(cells)
    for name, price in zip(PRICES, figures, strict=False):
        if price is None:
            return Fault("price-missing", columns.name(name), "A bar needs open, high, low and close.")
        if price.is_nan():
            text = cell_of(cells, columns, name)
            return Fault("price-not-a-number", columns.name(name), f"{text[:60]!r} is not a price.")
        if price <= _ZERO:
            return Fault("price-not-positive", columns.name(name), f"The price is {price}.")
    if opened and high and low and close:
        if low > min(opened, close):
            return Fault("low-not-lowest", columns.name("low"), f"The low {low} is above open or close.")
        if high < max(opened, close):
            return Fault("high-not-highest", columns.name("high"), f"The high {high} is below open or close.")
    return Quote(line, ticker, time, style)


def _time_fault(text: str, order: DateOrder) -> str:
    if parse_time(text, "eu" if order == "us" else "us"):
        first, other = ("month", "day") if order == "us" else ("day", "month")
        return f"The date begins with the {other}, the dates of the file begin with the {first}."
    return f"The bar has no readable time of the years {FIRST_YEAR} to {LAST_YEAR}."


def cell_of(cells: Sequence[str], columns: Columns, role: str) -> str:
    """Return the cell of *role*, empty when the line or the file has none."""
    place = columns.places.get(role)
    return "" if place is None or place >= len(cells) else cells[place]


def time_text(cells: Sequence[str], columns: Columns) -> str:
    """Return the time of a line as text; a date and a time in two columns are joined."""
    if "datetime" in columns.places:
        return cell_of(cells, columns, "datetime")
    return f"{cell_of(cells, columns, 'date')} {cell_of(cells, columns, 'time')}".strip()


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
        raise UnreadableFileError("too few bars to infer their length: state it with --interval, as 1min or 1h")
    return distances.most_common(1)[0][0]


def check_interval(length: timedelta) -> Fault | None:
    """Return why bars of *length* cannot become hours, None when they can."""
    if length in _LENGTHS:
        return None
    if length >= _DAY - timedelta(hours=2):
        detail = "Daily and longer bars cannot be divided into hours: days are derived from hours, never stored."
        return Fault("interval-derived", "", detail)
    return Fault("interval-unknown", "", f"Bars of {length} cannot become hours; 1 to 30 minutes and 1 hour can.")
