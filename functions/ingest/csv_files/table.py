"""Text of a CSV file: compression, encoding, delimiter, and lines with their numbers."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from functions.ingest.csv_files.columns import Columns, find_columns

DELIMITERS = (",", ";", "\t", "|")
LONGEST = 128 * 1024 * 1024
"""Bytes of a file, unpacked; in memory it has eight times as many."""

_SAMPLE_LINES = 60
_PREFACE_LINES = 20
"""Lines in which the header must come: some exports begin with a title."""
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class UnreadableFileError(ValueError):
    """A file that cannot be read as bars; the message says how to correct it."""


class Line(NamedTuple):
    """A line of a file: its number from 1, its text."""

    number: int
    text: str


class Table(NamedTuple):
    """A file's header and data lines. *ticker* is the one that the header names, if any."""

    columns: Columns
    lines: list[Line]
    encoding: str
    delimiter: str
    ticker: str | None = None

    def rows(self) -> Iterator[list[str]]:
        """Yield the cells of each line."""
        return (split_cells(line.text, self.delimiter) for line in self.lines)


@contextmanager
def as_unreadable() -> Iterator[None]:
    """Raise each fault of reading as UnreadableFileError: no text that a file may hold ends the process."""
    try:
        yield
    except UnreadableFileError:
        raise
    except (ArithmeticError, LookupError, ValueError) as error:
        raise UnreadableFileError(f"cannot be read: {type(error).__name__}: {error}") from error


def read_table(path: Path, header: Sequence[str] = (), longest: int = LONGEST) -> Table:
    """Read the file at *path*, gzip or not, of at most *longest* bytes; *header* names columns where no line does."""
    text, encoding = _decode(_unpack(path, longest))
    texts = text.split("\n")
    del text
    delimiter = _delimiter(texts[:_SAMPLE_LINES])
    lines = [Line(number, line.rstrip("\r")) for number, line in enumerate(texts, 1) if line.strip()]
    if header:
        columns = find_columns(header)
        if not columns.is_complete:
            raise UnreadableFileError(
                f"--columns {','.join(header)} should name a time (datetime, or date and time), "
                "open, high, low and close"
            )
        return Table(columns, lines, encoding, delimiter)
    for index, line in enumerate(lines[:_PREFACE_LINES]):
        columns = find_columns(split_cells(line.text, delimiter))
        if columns.is_complete:
            return Table(columns, lines[index + 1 :], encoding, delimiter)
        if table := _yfinance_table(lines[index : index + 3], lines[index + 3 :], encoding, delimiter):
            return table
    raise UnreadableFileError(
        "no header with a time, open, high, low and close in the first "
        f"{_PREFACE_LINES} lines; for a file without a header state --columns datetime,open,high,low,close,volume"
    )


def _unpack(path: Path, longest: int) -> bytes:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            content = file.read(longest + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"cannot be read: {error}") from error
    if len(content) > longest:
        raise UnreadableFileError(f"is longer than {longest >> 20} MiB; split it")
    return content


def _decode(content: bytes) -> tuple[str, str]:
    """Return the text and its encoding: by the byte order mark, else UTF-8, else Windows' Western one."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), encoding
    if content[1:2] == b"\0" or content[:1] == b"\0":
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
        return content.decode(encoding, errors="replace"), encoding
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "cp1252"


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter of *lines*; UnreadableFileError when there is none."""
    # They take a third of a second to load, and few processes read files.
    from clevercsv.cparser import Error as ParserError
    from clevercsv.detect import Detector

    try:
        dialect = Detector().detect("\n".join(line.rstrip("\r") for line in lines), delimiters=list(DELIMITERS))
    except (ParserError, ValueError) as error:
        raise UnreadableFileError(f"is no text of cells: {error}") from error
    if dialect is None or dialect.delimiter not in DELIMITERS:
        raise UnreadableFileError("no delimiter found; cells are separated by comma, semicolon, tab or |")
    return dialect.delimiter


def split_cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line; a line is a row, so that a stray quote spoils one line and not the rest."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return [line]


def _yfinance_table(head: Sequence[Line], rest: list[Line], encoding: str, delimiter: str) -> Table | None:
    """Return the table below yfinance's three header lines (Price, Ticker, Datetime), None for other headers."""
    rows = [split_cells(line.text, delimiter) for line in head]
    if [row[0] for row in rows] not in (["Price", "Ticker", "Datetime"], ["Price", "Ticker", "Date"]):
        return None
    prices, tickers, times = rows
    if len(set(tickers[1:])) != 1:
        raise UnreadableFileError("several tickers side by side; export one ticker a file")
    return Table(find_columns([times[0], *prices[1:]]), rest, encoding, delimiter, tickers[1])
