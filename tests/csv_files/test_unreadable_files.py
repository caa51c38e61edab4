"""CSV files that cannot be read as they are: the error names the option to state, and stated properties are used."""

from pathlib import Path
from typing import Any

import pytest

from functions.ingest.csv_files import reading
from functions.ingest.csv_files.table import UnreadableFileError
from tests.csv_files.exports import (
    HEADER,
    NEW_YORK,
    Style,
    expected,
    found,
    hours_in,
    naive_lines,
    opened,
    read,
    write,
    write_lines,
)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("KO.csv", "a,b,c\n1,2,3\n4,5,6\n", "--columns"),
        ("z.csv", "datetime,open,high,low,close\n2026-10-20 09:30,1.5,1.5,1.5,1.5\n", "--ticker"),
        ("KO.csv", "datetime;open;high;low;close\n2026-10-20 09:30;1,234;1,234;1,234;1,234\n", "--decimal"),
        ("KO.csv", "datetime,open,high,low,close\n02/03/2026 09:30,1.5,1.5,1.5,1.5\n", "--dates"),
        ("KO.csv", "datetime,open,high,low,close\n2026-10-20T13:30Z,1.5,1.5,1.5,1.5\n", "--interval"),
        (
            "KO.csv",
            "datetime,interval,open,high,low,close\n2026-10-20 10:30,1h,1.5,1.5,1.5,1.5\n"
            "2026-10-20 11:30,1h,1.5,1.5,1.5,1.5\n2026-10-20 12:30,1h,1.5,1.5,1.5,1.5\n",
            "--zone",
        ),
    ],
)
def test_what_cannot_be_known_is_asked_for(tmp_path: Path, name: str, text: str, words: str) -> None:
    """Nothing is guessed: the error names the option that states it."""
    (tmp_path / name).write_text(text)

    with pytest.raises(UnreadableFileError, match=words):
        read(tmp_path / name)


def test_stated_properties_are_used(tmp_path: Path) -> None:
    """A file without header, zone or ticker is read as the user says."""
    style = Style("datetime,open,high,low,close,volume", delimiter=";", zone=NEW_YORK, naive=True)
    path = write(tmp_path / "export.csv", style, "1h", ["KO"])
    path.write_text(path.read_text().partition("\n")[2])

    columns = ("datetime", "open", "high", "low", "close", "volume")
    said = {"ticker": "KO", "zone": "America/New_York", "columns": columns}

    clock = opened(path, **said).groups[0].clock
    assert found(read(path, **said)) == expected("1h", ["KO"])
    assert clock is not None
    assert clock.source == "stated"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"interval": "99999999999d"}, "no interval '99999999999d'"),
        ({"interval": "9" * 5000 + "h"}, "no interval"),
        ({"columns": ("foo",)}, "--columns foo should name"),
        ({"zone": "Nowhere"}, "no time zone 'Nowhere'"),
    ],
)
def test_a_wrong_statement_is_answered_with_a_sentence(tmp_path: Path, said: dict[str, Any], words: str) -> None:
    """The sentence names the option and what to state."""
    lines = naive_lines("%Y-%m-%d %H:%M", hours_in(2026, [11], range(2, 7)))

    with pytest.raises(UnreadableFileError, match=words):
        read(write_lines(tmp_path / "KO.csv", Style(HEADER), lines), **said)


def test_text_that_no_parser_takes_is_an_unreadable_file(tmp_path: Path) -> None:
    """A NUL in a line among the first, where the delimiter is searched for."""
    lines = naive_lines("%Y-%m-%d %H:%M", hours_in(2026, [11], range(2, 7)))

    with pytest.raises(UnreadableFileError, match="is no text of cells"):
        read(write_lines(tmp_path / "KO.csv", Style(HEADER), [*lines[:3], "2026-11-09 09:30,1,\0,1,1,1", *lines[3:]]))


def test_dates_in_two_orders_are_refused(tmp_path: Path) -> None:
    """The error counts both and names the option; none is guessed."""
    times = hours_in(2026, [10, 11], range(1, 29))
    lines = [*naive_lines("%d/%m/%Y %H:%M", times[:140]), *naive_lines("%m/%d/%Y %H:%M", times[140:])]

    with pytest.raises(UnreadableFileError, match=r"dates begin with the .* --dates us"):
        read(write_lines(tmp_path / "KO.csv", Style(HEADER), lines), zone="America/New_York")


def test_no_fault_of_reading_ends_in_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is reported as an unreadable file, too."""
    monkeypatch.setattr(reading, "find_clock", lambda *_: 1 // 0)

    with pytest.raises(UnreadableFileError, match="cannot be read: ZeroDivisionError"):
        read(write(tmp_path / "bars.csv", Style(), "1h"))
