"""Lines of a CSV file that are no true bars: each is refused with its reason, and no other with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.csv_files.exports import (
    HEADER,
    SESSIONS,
    TICKERS,
    Style,
    bars_of,
    clock_hours,
    expected,
    found,
    hours_in,
    hours_of,
    naive_lines,
    opened,
    read,
    row,
    write_lines,
)


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


def test_an_hour_with_a_line_without_volume_has_none(tmp_path: Path) -> None:
    """The sum of the other lines is not its volume: the hour goes to the ledger, and its prices are stored."""
    lines = [row("KO", "5min", bar, Style()) for bar in bars_of("KO", "5min")]
    first, *others = (bar.start for bar in bars_of("KO", "1h"))
    lines[3] = lines[3].rpartition(",")[0] + ","

    file = read(write_lines(tmp_path / "bars.csv", Style(), lines))

    stored = found(file)["KO"]
    assert [start for start, figures in stored.items() if figures[-1] is None] == [first]
    assert stored.keys() == {first, *others}
    assert [(one.start, one.fault.reason, len(one.lines)) for one in file.refused] == [(first, "volume-incomplete", 12)]


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


def test_a_figure_without_measure_is_no_figure(tmp_path: Path) -> None:
    """Half hours with volumes of a million digits add up to nothing; the prices are stored, the text goes along."""
    times = [time + half * timedelta(minutes=30) for time in hours_in(2026, [11], [2]) for half in (0, 1)][:13]
    lines = [f"{time:%Y-%m-%d %H:%M},1.5,1.5,1.5,1.5,9E+999999" for time in times]

    file = read(write_lines(tmp_path / "KO.csv", Style(HEADER), lines), zone="America/New_York")

    assert [(bar.open, bar.text is not None) for bar in file.bars["KO"]] == [(Decimal("1.5"), True)] * 7
