"""The trading sessions: what the calendar library knows, without the library."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import exchange_calendars
import psycopg
import pytest
from pandas import DataFrame

from functions.store import calendar
from functions.store.calendar import FIRST_DAY, REGULAR_HOURS, SPECIAL_DAYS, ZONE, SpecialDays, read_special_days
from functions.store.migrate import migrate
from shared.runtime import clock
from tests.cluster.groups import ROOT

LAST_DAY = date(2036, 12, 31)
YEARS_AHEAD = 3


@pytest.fixture(scope="module")
def schedule() -> DataFrame:
    """The library's sessions."""
    return exchange_calendars.get_calendar("XNYS", start=str(FIRST_DAY), end=str(LAST_DAY)).schedule


def special_days(schedule: DataFrame) -> Iterator[str]:
    """The lines of special_days.csv: weekdays without a session, or with other hours than usual."""
    yield f"# until {LAST_DAY}, exchange-calendars {exchange_calendars.__version__}\n"
    zone = ZoneInfo(ZONE)
    hours = {
        day.date(): (f"{opens.astimezone(zone):%H:%M}", f"{closes.astimezone(zone):%H:%M}")
        for day, opens, closes in schedule[["open", "close"]].itertuples()
    }
    for number in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(number)
        opens, closes = hours.get(day, ("", ""))
        if day.weekday() < 5 and (opens, closes) != REGULAR_HOURS:
            yield f"{day},{opens},{closes}\n"


def stored(url: str) -> dict[date, tuple[datetime, datetime]]:
    """Opening and closing of each stored session by date."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT date, opens, closes FROM sessions ORDER BY 1").fetchall()
    return {day: (opens, closes) for day, opens, closes in rows}


def test_the_special_days_are_those_of_the_library(schedule: DataFrame) -> None:
    """`make sessions` would change nothing; if this fails, run it."""
    lines = "".join(special_days(schedule))
    if os.environ.get("RENEW_SESSIONS"):
        SPECIAL_DAYS.write_text(lines)

    assert SPECIAL_DAYS.read_text() == lines


def test_the_special_days_reach_far_enough() -> None:
    """A release works for years; if this fails, raise LAST_DAY and run `make sessions`."""
    assert read_special_days().last_day.year >= clock.now().year + YEARS_AHEAD


def test_the_stored_sessions_are_those_of_the_library(migrated_database: str, schedule: DataFrame) -> None:
    """Dates and hours in UTC are equal, from 2000 to the end of next year."""
    last = f"{clock.now().year + 1}-12-31"

    expected = {
        day.date(): (opens.to_pydatetime(), closes.to_pydatetime())
        for day, opens, closes in schedule.loc[:last, ["open", "close"]].itertuples()
    }
    assert stored(migrated_database) == expected


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2001-09-11", "the attacks closed it before it opened"),
        ("2012-10-29", "hurricane Sandy"),
        ("2025-01-09", "mourning for a president"),
        ("2026-07-03", "Independence Day observed"),
        ("2026-11-22", "a Sunday"),
        ("2027-06-18", "Juneteenth observed"),
    ],
)
def test_a_closed_day_has_no_session(migrated_database: str, day: str, reason: str) -> None:
    """No session is stored for the day."""
    assert date.fromisoformat(day) not in stored(migrated_database), reason


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-03-06", "14:30", "21:00"),  # the Friday before the clocks change
        ("2026-03-09", "13:30", "20:00"),  # and the Monday after
        ("2026-11-27", "14:30", "18:00"),  # the day after Thanksgiving ends at 13:00
        ("2003-12-26", "14:30", "18:00"),  # a half day in that year only
    ],
)
def test_sessions_have_the_known_utc_hours(migrated_database: str, day: str, opens: str, closes: str) -> None:
    """Hours in UTC follow New York's clock and end early on half days."""
    times = [f"{instant.astimezone(UTC):%H:%M}" for instant in stored(migrated_database)[date.fromisoformat(day)]]

    assert times == [opens, closes]


def test_new_special_days_correct_the_sessions(database_url: str) -> None:
    """A release that knows of a closure announced since replaces sessions that were stored before."""
    expected = stored(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE migrations SET checksum = 'exchange-calendars 4.0' WHERE name = 'sessions'")
        connection.execute("DELETE FROM sessions WHERE date = '2026-11-20'")
        connection.execute("INSERT INTO sessions VALUES ('2026-11-26', '2026-11-26 14:30Z', '2026-11-26 21:00Z')")

    assert (migrate(database_url), stored(database_url)) == (["sessions"], expected)


def test_an_old_release_stores_what_it_knows(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Past the last known special day no session is made up, and the log says so."""
    special = read_special_days()
    monkeypatch.setattr(
        calendar, "read_special_days", lambda: SpecialDays(date(2026, 12, 31), special.days, "an older file")
    )

    assert migrate(database_url) == ["sessions"]
    assert max(stored(database_url)) == date(2026, 12, 31)
    assert "sessions end with 2026-12-31" in caplog.text


def test_the_migration_loads_no_calendar_library() -> None:
    """pandas alone is larger than the rest of the image."""
    code = "import sys, functions.store.migrate; print(*sys.modules)"

    modules = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert not {"exchange_calendars", "pandas", "numpy"} & set(modules.split())
