"""Closings and early closes that the release's calendar does not know: a setting, and requests of an operator."""

from datetime import UTC, date, timedelta
from typing import Any

import psycopg
import pytest

from functions.store.calendar import warn_of_end
from functions.store.closings import parse_closings
from functions.store.migrate import migrate
from tests.store_harness import Store, bar, fetched, hour

DAY = date(2026, 11, 19)


def closes(url: str, day: date = DAY) -> str | None:
    """When the session of *day* closes, in UTC; None for no session."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT closes FROM sessions WHERE date = %s", (day,)).fetchone()
    return f"{row[0].astimezone(UTC):%H:%M}" if row else None


@pytest.mark.parametrize(("text", "expected"), [("closed", None), ("13:00", "18:00")])
def test_the_setting_changes_a_session_until_it_is_taken_back(
    database_url: str, text: str, expected: str | None
) -> None:
    """The migration applies it once, and again when it changes."""
    stated = parse_closings({DAY.isoformat(): text})

    done = [migrate(database_url, closings=stated), migrate(database_url, closings=stated)]
    changed = closes(database_url)
    back = migrate(database_url, closings={})

    assert (done, changed) == ([["sessions"], []], expected)
    assert (back, closes(database_url)) == (["sessions"], "21:00")


@pytest.mark.parametrize("setting", [{"soon": "closed"}, {"2026-11-19": "shut"}, {"2026-11-19": "17:00"}])
def test_a_wrong_setting_says_what_it_should_be(setting: dict[str, str]) -> None:
    """The variable, the part that is wrong, and an example."""
    with pytest.raises(ValueError, match=r"CALENDAR_CLOSINGS: .* should"):
        parse_closings(setting)


def test_an_operator_closes_a_day_and_takes_it_back(store: Store) -> None:
    """Bars of the day are rejected as long as it is closed, and a migration does not undo it."""

    def state(**data: Any) -> int:
        return store.run(store.client.post("/closings", json=data)).status_code

    assert state(date=DAY.isoformat(), closes="closed") == 200
    migrate(store.database_url, closings={})
    store.keep(fetched({"AAPL": [bar(hour(0, day=3))]}))

    assert (closes(store.database_url), store.faults()) == (None, [("AAPL", "outside-session")])
    assert state(date=DAY.isoformat(), closes="none") == 200
    assert (closes(store.database_url), store.keep(fetched({"AAPL": [bar(hour(0, day=3))]}), "2")["inserted"]) == (
        "21:00",
        1,
    )
    assert [state(date="2026-11-26", closes="13:00"), state(date=DAY.isoformat(), closes="noon")] == [400, 400]


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2062-11-24", "9999-12-31"])
def test_a_closing_beyond_the_calendar_is_refused(store: Store, day: str) -> None:
    """Its end stays where it is, so that the alert before it still comes."""
    end = "SELECT min(date), max(date) FROM sessions"
    before = store.query(end)

    refusals = [
        store.run(store.client.post("/closings", json={"date": day, "closes": how})) for how in ("13:00", "none")
    ]

    assert {one.status_code for one in refusals} == {400}
    assert all("where the calendar ends" in one.json()["detail"] for one in refusals)
    assert store.query(end) == before


def test_the_last_session_is_closed_and_opened_again(store: Store) -> None:
    """The calendar goes on to the end of its last year."""
    ((last,),) = store.query("SELECT max(date) FROM sessions")

    for how in ("closed", "none"):
        assert store.run(store.client.post("/closings", json={"date": f"{last}", "closes": how})).status_code == 200

    assert store.query("SELECT max(date) FROM sessions") == [(last,)]


def test_the_end_of_the_calendar_is_announced(caplog: pytest.LogCaptureFixture) -> None:
    """Sixty days before, not earlier."""
    warn_of_end(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=60))
    assert not caplog.records
    warn_of_end(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=59))
    assert "calendar ends with 2026-03-01" in caplog.text
