"""CSV files of bars in every shape that vendors and people give them become the same hours, or say why not."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.ingest.csv_files import reading
from functions.ingest.csv_files.table import UnreadableFileError
from tests.csv_files.exports import (
    NEW_YORK,
    SESSIONS,
    TICKERS,
    Style,
    bars_of,
    clock_hours,
    expected,
    found,
    hours_of,
    opened,
    read,
    row,
    write,
    write_lines,
)

ISO, US, EU = "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M %p", "%d.%m.%Y %H:%M"

# Each with the file's name where the header names no ticker.
EXPORTS = {
    "our own": ("x.csv", Style("ticker,datetime,interval,open,high,low,close,volume,source")),
    "yahoo": ("AAPL.csv", Style("Datetime,Open,High,Low,Close,Adj Close,Volume", zone=NEW_YORK)),
    "stooq": (
        "a.txt",
        Style(
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
            time=lambda time: time.strftime("%Y%m%d %H%M%S"),
            zone=ZoneInfo("Europe/Warsaw"),
            naive=True,
        ),
    ),
    "ibkr": (
        "AAPL.csv",
        Style("date,open,high,low,close,volume,average,barCount", zone=NEW_YORK),
    ),
    "tws": (
        "AAPL.csv",
        Style(
            "date,open,high,low,close,volume,average,barCount",
            time=lambda time: time.strftime("%Y%m%d  %H:%M:%S US/Eastern"),
            zone=NEW_YORK,
        ),
    ),
    "alpaca": ("x.csv", Style("symbol,timestamp,open,high,low,close,volume,trade_count,vwap", gzip=True)),
    "twelvedata": (
        "AAPL.csv",
        Style("datetime,open,high,low,close,volume", delimiter=";", zone=NEW_YORK, naive=True, newest_first=True),
    ),
    "tradingview": (
        "NASDAQ_AAPL, 60_1a2b3.csv",
        Style("time,open,high,low,close,Volume", time=lambda time: f"{time.timestamp():.0f}"),
    ),
    "excel in Germany": (
        "KO.csv",
        Style(
            "Datum,Zeit,Open,High,Low,Close,Volume".replace("Datum", "Date").replace(",Zeit", ""),
            delimiter=";",
            decimal=",",
            thousands=".",
            time=lambda time: time.strftime(EU),
            zone=ZoneInfo("Europe/Berlin"),
            naive=True,
            encoding="utf-16",
        ),
    ),
    "excel in the US": (
        "x.csv",
        Style(thousands=",", time=lambda time: time.strftime(US), zone=NEW_YORK, naive=True, encoding="utf-8-sig"),
    ),
    "month names": ("x.csv", Style(time=lambda time: time.strftime("%d-%b-%Y %H:%M"), zone=NEW_YORK, naive=True)),
    "month names in US order": (
        "x.csv",
        Style(delimiter=";", time=lambda time: time.strftime("%B %d, %Y %I:%M %p"), zone=NEW_YORK, naive=True),
    ),
    "milliseconds": ("x.csv", Style(delimiter="\t", time=lambda time: f"{time.timestamp() * 1000:.0f}")),
}


@pytest.mark.parametrize("vendor", EXPORTS)
def test_exports_of_vendors_are_read(vendor: str, tmp_path: Path) -> None:
    """All bars come out to the last digit, and none is refused."""
    name, style = EXPORTS[vendor]
    tickers = TICKERS if {"ticker", "symbol", "<TICKER>"} & set(style.header.split(",")) else (name[:2],)
    ticker = next((one for one in TICKERS if one in name), None)
    file = read(write(tmp_path / name, style, "1h", [ticker] if ticker else tickers))

    assert file.refused == []
    assert found(file) == expected("1h", [ticker] if ticker else tickers)


STYLES = st.builds(
    Style,
    header=st.just(Style().header),
    decimal=st.just("."),
    thousands=st.just(""),
    delimiter=st.sampled_from(",;\t|"),
    zone=st.sampled_from([NEW_YORK, ZoneInfo("UTC"), ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/Berlin")]),
    naive=st.booleans(),
    named_by_end=st.booleans(),
    newest_first=st.booleans(),
    time=st.sampled_from([ISO, US, EU]).map(lambda layout: lambda time: time.strftime(layout) + _offset(time)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    gzip=st.booleans(),
)
MARKS = st.sampled_from([(".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", "'")])
INTERVALS = st.sampled_from(["1h", "30min", "15min", "5min"])


def _offset(time: datetime) -> str:
    return "" if time.tzinfo is None else time.strftime("%z")


@given(STYLES, MARKS, INTERVALS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_bars_in_any_style_become_the_same_hours(
    tmp_path: Path, style: Style, marks: tuple[str, str], interval: str
) -> None:
    """No separator, encoding, date, zone, order or name of bars changes a figure or loses one."""
    style = style._replace(decimal=marks[0], thousands=marks[1])

    file = read(write(tmp_path / "bars.csv", style, interval, TICKERS[:2]))

    assert file.refused == []
    assert found(file) == expected(interval, TICKERS[:2])


@given(
    st.integers(-26, 26).filter(bool),
    st.sampled_from(["1h", "30min", "5min"]),
    st.lists(st.sampled_from(TICKERS), min_size=1, max_size=2, unique=True),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wrong_clock_gives_no_bar_and_spoils_no_other(
    tmp_path: Path, half_hours: int, interval: str, shifted: list[str]
) -> None:
    """Times that say UTC and are other ones are refused by the week; those of other tickers are stored."""
    lines = [
        row(ticker, interval, bar, Style(), bar.start + half_hours * timedelta(minutes=30) * (ticker in shifted))
        for ticker in TICKERS
        for bar in bars_of(ticker, interval)
    ]

    file = read(write_lines(tmp_path / "bars.csv", Style(), lines))

    right = {ticker: bars for ticker, bars in expected(interval).items() if ticker not in shifted}
    assert {ticker: bars for ticker, bars in found(file).items() if ticker not in shifted} == right
    for ticker in shifted:
        truth = hours_of(ticker, interval)
        assert {start: bar for start, bar in found(file)[ticker].items() if truth.get(start) != bar} == {}
    assert {one.ticker for one in file.refused} == set(shifted)


def test_hours_cut_on_the_clock_are_refused_whole(tmp_path: Path) -> None:
    """Half an hour is not stored as the first hour of its session, on half days neither."""
    lines = []
    for session in SESSIONS:
        starts = clock_hours(session)
        lines += [row("KO", "1h", bars_of("KO", "1h")[0], Style(), start) for start in starts]

    file = read(write_lines(tmp_path / "bars.csv", Style(), lines))

    assert found(file)["KO"] == {}
    assert {one.fault.reason for one in file.refused} <= {"off-grid", "clock-doubtful"}
    assert sum(len(one.lines) for one in file.refused) == len(lines)


def test_an_hour_with_a_gap_is_refused_unless_gaps_are_allowed(tmp_path: Path) -> None:
    """The hour goes to the ledger with its lines; allowed, it is stored and the gap is on record all the same."""
    lines = [row("KO", "5min", bar, Style()) for bar in bars_of("KO", "5min")]
    start = bars_of("KO", "5min")[0].start
    del lines[3]

    strict = read(write_lines(tmp_path / "bars.csv", Style(), lines))
    allowed = read(tmp_path / "bars.csv", allow_gaps=True)

    assert found(strict)["KO"].keys() == hours_of("KO", "5min").keys() - {start}
    assert [(one.start, one.fault.reason, len(one.lines)) for one in strict.refused] == [(start, "hour-incomplete", 11)]
    assert found(allowed)["KO"].keys() == hours_of("KO", "5min").keys()
    assert [one.fault.detail for one in allowed.refused] == ["1 of 12 bars of this hour are not in the file."]


def test_daily_bars_are_refused_with_the_reason(tmp_path: Path) -> None:
    """Each line is, since hours cannot be made of days."""
    lines = [row("KO", "1d", bars_of("KO", "1h")[0], Style(time=_day), session.opens) for session in SESSIONS]

    file = read(write_lines(tmp_path / "bars.csv", Style(), lines))

    assert (found(file), len(file.refused)) == ({}, len(lines))
    assert "Daily" in file.refused[0].fault.detail


def _day(time: datetime) -> str:
    return time.strftime("%Y-%m-%d")


def test_a_faulty_line_is_named_with_its_column_and_the_others_are_stored(tmp_path: Path) -> None:
    """Text for a price, a high below the low, half a line, no time: each is refused by itself."""
    lines = [row("KO", "1h", bar, Style()) for bar in bars_of("KO", "1h")]
    good = len(lines)
    lines[5:5] = [
        "KO,2026-10-20 14:30:00+00:00,1,2,x,1,5",
        "KO,2026-10-20 14:30:00+00:00,1,1,2,1,5",
        "KO,2026-10",
        "KO,soon,1,1,1,1,5",
    ]

    file = read(write_lines(tmp_path / "bars.csv", Style(), lines))

    assert len(found(file)["KO"]) == good
    assert [(one.line, one.fault.reason, one.fault.column) for one in file.refused] == [
        (7, "price-not-a-number", "low"),
        (8, "low-not-lowest", "low"),
        (9, "line-incomplete", ""),
        (10, "time-unreadable", "datetime"),
    ]
    assert file.refused[2].lines == ("KO,2026-10",)


def test_extended_hours_are_refused_by_the_day(tmp_path: Path) -> None:
    """The lines outside the session are one entry a day, and the hours of the session are stored."""
    lines = [row("KO", "30min", bar, Style()) for bar in bars_of("KO", "30min")]
    early = [
        row("KO", "30min", bars_of("KO", "30min")[0], Style(), session.opens - timedelta(minutes=30 * count))
        for session in SESSIONS
        for count in range(1, 6)
    ]

    file = read(write_lines(tmp_path / "bars.csv", Style(), [*early, *lines]))

    assert found(file) == expected("30min", ["KO"])
    assert [one.fault.reason for one in file.refused] == ["outside-session"] * len(SESSIONS)
    assert sum(len(one.lines) for one in file.refused) == len(early)


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


def test_what_is_stated_is_believed(tmp_path: Path) -> None:
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


HEADER = "datetime,open,high,low,close,volume"


def naive_lines(layout: str, times: Iterable[datetime]) -> list[str]:
    """Lines of equal bars at *times*, written as *layout* says."""
    return [f"{time:{layout}},1.5,1.5,1.5,1.5,7" for time in times]


def hours_in(year: int, months: Iterable[int], days: Iterable[int]) -> list[datetime]:
    """The starts of the hours of working days."""
    dates = [datetime(year, month, day, 9, 30) for month in months for day in days]  # noqa: DTZ001
    return [date + timedelta(hours=hour) for date in dates if date.weekday() < 5 for hour in range(7)]


@pytest.mark.parametrize("zone", ["", "Z"])
@pytest.mark.parametrize("date", ["0001-01-01 00:00", "9999-12-31 23:59", "11/20/5 10:30", "2200-01-02 10:30"])
def test_a_year_that_is_a_typo_refuses_its_line_alone(tmp_path: Path, date: str, zone: str) -> None:
    """The line goes to the ledger with its text, at once, and the others are stored."""
    good = naive_lines(f"%Y-%m-%d %H:%M{zone}", hours_in(2026, [11], range(2, 7)))
    bad = f"{date}{zone},1.5,1.5,1.5,1.5,7"

    file = read(write_lines(tmp_path / "KO.csv", Style(HEADER), [*good, bad]), zone="America/New_York")

    assert [(one.fault.reason, one.lines) for one in file.refused if one.start is None] == [("time-unreadable", (bad,))]
    assert "1970 to 2199" in next(one for one in file.refused if one.start is None).fault.detail


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


@pytest.mark.parametrize(
    ("layout", "stray", "days"),
    [
        ("%d/%m/%Y %H:%M", "11/16/2026 09:30", range(1, 29)),
        ("%d/%m/%Y %H:%M", "11/16/2026 09:30", range(1, 13)),
        ("%m/%d/%YT%H:%M", "16/11/2026T09:30", range(1, 29)),
        ("%m-%d-%Y %H:%M", "16-11-2026 09:30", range(1, 13)),
    ],
)
def test_a_stray_date_does_not_turn_the_others_round(
    tmp_path: Path, layout: str, stray: str, days: Sequence[int]
) -> None:
    """All other lines have their own times; the line is refused with the reason."""
    times = hours_in(2026, range(9, 12), days)
    bad = f"{stray},1.5,1.5,1.5,1.5,7"
    path = write_lines(tmp_path / "KO.csv", Style(HEADER), [*naive_lines(layout, times), bad])

    file = opened(path, zone="America/New_York")

    assert [quote.time for group in file.groups for quote in group.quotes] == times
    assert [one.lines for one in file.refused] == [(bad,)]
    assert "The date begins with the" in file.refused[0].fault.detail


def test_dates_in_two_orders_are_refused(tmp_path: Path) -> None:
    """The error counts both and names the option; none is guessed."""
    times = hours_in(2026, [10, 11], range(1, 29))
    lines = [*naive_lines("%d/%m/%Y %H:%M", times[:140]), *naive_lines("%m/%d/%Y %H:%M", times[140:])]

    with pytest.raises(UnreadableFileError, match=r"dates begin with the .* --dates us"):
        read(write_lines(tmp_path / "KO.csv", Style(HEADER), lines), zone="America/New_York")


def test_a_figure_without_measure_is_no_figure(tmp_path: Path) -> None:
    """Half hours with volumes of a million digits add up to nothing; the prices are stored, the text goes along."""
    times = [time + half * timedelta(minutes=30) for time in hours_in(2026, [11], [2]) for half in (0, 1)][:13]
    lines = [f"{time:%Y-%m-%d %H:%M},1.5,1.5,1.5,1.5,9E+999999" for time in times]

    file = read(write_lines(tmp_path / "KO.csv", Style(HEADER), lines), zone="America/New_York")

    assert [(bar.open, bar.text is not None) for bar in file.bars["KO"]] == [(Decimal("1.5"), True)] * 7


def test_no_fault_of_reading_ends_in_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody thought of is an unreadable file as well."""
    monkeypatch.setattr(reading, "find_clock", lambda *_: 1 // 0)

    with pytest.raises(UnreadableFileError, match="cannot be read: ZeroDivisionError"):
        read(write(tmp_path / "bars.csv", Style(), "1h"))
