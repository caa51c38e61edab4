"""CSV file to hourly bars, by the user's overrides, the content of the file, and the exchange's sessions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple

from functions.ingest.csv_files.clock import Clock, ClockError, find_clock
from functions.ingest.csv_files.columns import PRICES, Columns
from functions.ingest.csv_files.figures import find_decimal_mark
from functions.ingest.csv_files.grid import Grid
from functions.ingest.csv_files.hours import Refusal, make_hours
from functions.ingest.csv_files.lines import (
    Fault,
    Quote,
    TextFormat,
    cell_of,
    check_interval,
    find_interval,
    parse_interval,
    read_line,
    time_text,
)
from functions.ingest.csv_files.table import LONGEST, Table, UnreadableFileError, as_unreadable, read_table
from functions.ingest.csv_files.tickers import clean_ticker, find_ticker
from functions.ingest.csv_files.times import DateOrder, count_date_orders, find_zone, parse_time
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar

SelectCalendar = Callable[[datetime, datetime], TradingCalendar]
"""Returns the sessions between two instants."""

_AROUND = timedelta(days=8)
_STRAY = 1 / 20
"""Share of a file's dates that may be typos."""
_FIRST: Mapping[DateOrder, str] = {"us": "month", "eu": "day"}
_NO_ZONE = Fault("time-unreadable", "", "The time names no zone, and others of the file do.")


class UserOverrides(NamedTuple):
    """Properties of files that the user states: they take precedence over inferred ones."""

    ticker: str | None = None
    zone: str | None = None
    interval: str | None = None
    dates: DateOrder | None = None
    decimal: str | None = None
    columns: tuple[str, ...] = ()
    allow_gaps: bool = False


class Group(NamedTuple):
    """Lines of one length in a file, and how their times are read. *fault*: why they cannot become hours."""

    interval: timedelta
    quotes: Sequence[Quote]
    clock: Clock | None = None
    fault: Fault | None = None


class OpenFile(NamedTuple):
    """Lines of one file as bars of their own length, and the refused ones."""

    path: Path
    style: TextFormat
    groups: Sequence[Group]
    refused: Sequence[Refusal]
    lines: int


class FileBars(NamedTuple):
    """Hourly bars of one file by ticker, all lines that were refused, and how many lines repeat others."""

    bars: Mapping[str, list[Bar]]
    refused: list[Refusal]
    repeated: int


@as_unreadable()
def open_file(
    path: Path, stated: UserOverrides, calendar: SelectCalendar, known: Collection[str] = (), longest: int = LONGEST
) -> OpenFile:
    """Return the lines of the file at *path*; UnreadableFileError when nothing can be read, or over *longest* bytes.

    *calendar* gives the sessions between two instants, by which the clock is known. *known* are tracked tickers, by
    which the file's name may name one.
    """
    table = read_table(path, stated.columns, longest)
    if not table.lines:
        raise UnreadableFileError("has a header and no lines")
    decimal, dates = stated.decimal or _find_mark(table), stated.dates or _find_order(table)
    style = TextFormat(table.columns, table.encoding, table.delimiter, decimal, dates)
    ticker = stated.ticker or table.ticker or _ticker_of_name(path, table, known)
    quotes_of, refused = _read_lines(table, style, ticker, known)
    groups = [_make_group(interval, quotes, style, stated, calendar, refused) for interval, quotes in quotes_of.items()]
    return OpenFile(path, style, groups, refused, len(table.lines))


@as_unreadable()
def make_bars(file: OpenFile, calendar: SelectCalendar, *, allow_gaps: bool = False) -> FileBars:
    """Return the hours in *file*; UnreadableFileError when none can be made."""
    bars: dict[str, dict[datetime, Bar]] = {}
    refused = list(file.refused)
    repeated = 0
    # Of two lengths in one file the longer ones are used: hours rather than sums of minutes.
    for group in sorted(file.groups, key=lambda group: group.interval):
        if group.clock is None or not group.quotes:
            fault = group.fault or Fault("interval-unknown", "", "")
            refused += [Refusal(one.line.number, one.ticker, None, fault, (one.line.text,)) for one in group.quotes]
            continue
        instants = [group.clock.instant(one.time) for one in group.quotes]
        grid = Grid(calendar(min(instants) - _AROUND, max(instants) + _AROUND), group.interval)
        of_ticker: dict[str, list[Quote]] = {}
        for quote in group.quotes:
            of_ticker.setdefault(quote.ticker, []).append(quote)
        for ticker, some in of_ticker.items():
            hours = make_hours(some, group.clock, grid, allow_gaps=allow_gaps)
            bars.setdefault(ticker, {}).update((bar.start, bar) for bar in hours.bars)
            refused += hours.refused
            repeated += hours.repeated
    by_start = {ticker: [some[start] for start in sorted(some)] for ticker, some in bars.items()}
    return FileBars(by_start, sorted(refused, key=lambda one: one.line), repeated)


def _ticker_of_name(path: Path, table: Table, known: Collection[str]) -> str | None:
    return None if "ticker" in table.columns.places else find_ticker(path, known)


def _read_lines(
    table: Table,
    style: TextFormat,
    ticker: str | None,
    known: Collection[str],
) -> tuple[dict[str, list[Quote]], list[Refusal]]:
    """Return the readable lines by the interval that they state, and the others."""
    groups: dict[str, list[Quote]] = {}
    refused: list[Refusal] = []
    tickers: dict[str, str] = {}
    for line in table.lines:
        cells = style.cells(line)
        symbol = cell_of(cells, style.columns, "ticker")
        if symbol not in tickers:
            tickers[symbol] = ticker or clean_ticker(symbol, known)
        found = read_line(line, cells, tickers[symbol], style)
        if isinstance(found, Quote):
            groups.setdefault(cell_of(cells, style.columns, "interval"), []).append(found)
        else:
            refused.append(Refusal(line.number, tickers[symbol], None, found, (line.text,)))
    if not groups:
        raise UnreadableFileError(f"no line can be read; line {refused[0].line}: {refused[0].fault.detail}")
    return groups, refused


def _make_group(
    interval: str,
    quotes: Sequence[Quote],
    style: TextFormat,
    stated: UserOverrides,
    calendar: SelectCalendar,
    refused: list[Refusal],
) -> Group:
    """Return *quotes*, which state one *interval*, with their length and clock.

    A line whose time names no zone, among others that do, goes to *refused*.
    """
    has_zone = 2 * sum(quote.time.tzinfo is not None for quote in quotes) > len(quotes)
    if has_zone:
        naive = [quote for quote in quotes if quote.time.tzinfo is None]
        refused += [Refusal(one.line.number, one.ticker, None, _NO_ZONE, (one.line.text,)) for one in naive]
        quotes = [quote for quote in quotes if quote.time.tzinfo is not None]
    times_of: dict[str, set[datetime]] = {}
    for quote in quotes:
        if (quote.time.tzinfo is not None) == has_zone:
            times_of.setdefault(quote.ticker, set()).add(quote.time)
    named = stated.interval or interval
    length = parse_interval(named) if named else find_interval([sorted(times) for times in times_of.values()])
    if fault := check_interval(length):
        return Group(length, quotes, None, fault)
    times = sorted(set().union(*times_of.values()))
    grid = Grid(calendar(_as_utc(times[0]) - _AROUND, _as_utc(times[-1]) + _AROUND), length)
    try:
        return Group(length, quotes, find_clock(times, grid, *_stated_zone(stated, style.columns)))
    except ClockError as error:
        raise UnreadableFileError(str(error)) from error


def _find_mark(table: Table) -> str:
    mark = find_decimal_mark(cell_of(cells, table.columns, name) for cells in table.rows() for name in PRICES)
    if mark is None:
        first = cell_of(next(table.rows()), table.columns, PRICES[0])
        raise UnreadableFileError(f"{first!r} may have a decimal comma or thousands: state --decimal , or --decimal .")
    return mark


def _find_order(table: Table) -> DateOrder:
    """Return the order of day and month: by the days above 12, else by the working days.

    UnreadableFileError where dates contradict each other or leave it open. A stray line does not decide for a file.
    """
    texts = [time_text(cells, table.columns) for cells in table.rows()]
    counts, year_last = count_date_orders(texts)
    if counts:
        order, count = counts.most_common(1)[0]
        if counts.total() - count > _STRAY * counts.total():
            raise UnreadableFileError(
                f"{count} dates begin with the {_FIRST[order]} and {counts.total() - count} do not: "
                "correct them, or state --dates us or --dates eu to refuse the others"
            )
        if count > _STRAY * year_last:
            return order
    differing = [text for text in texts if parse_time(text, "us") != parse_time(text, "eu")]
    if not differing:
        return "us"
    us, eu = (_working_days(differing, order) for order in ("us", "eu"))
    if abs(us - eu) > _STRAY * len(differing):
        return "us" if us > eu else "eu"
    raise UnreadableFileError(f"{differing[0]!r} may begin with the month or the day: state --dates us or --dates eu")


def _working_days(texts: Sequence[str], order: DateOrder) -> int:
    times = (parse_time(one, order) for one in texts)
    return sum(time is not None and time.weekday() < 5 for time in times)


def _stated_zone(stated: UserOverrides, columns: Columns) -> tuple[tzinfo | None, str]:
    if stated.zone:
        try:
            return find_zone(stated.zone), "stated"
        except ValueError as error:
            raise UnreadableFileError(str(error)) from error
    try:
        return (find_zone(columns.zone), "in the header") if columns.zone else (None, "")
    except ValueError:
        return None, ""


def _as_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
