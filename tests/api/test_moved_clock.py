"""/status under a moved clock: what is finished, due and behind through a year's special days, and wrong clocks."""

from datetime import datetime, timedelta

import psycopg
import pytest

from shared.cache import response_cache
from shared.runtime import clock, clock_check
from tests.reading import Bar, at, change, put, serving

MOMENTS = [
    # instant, newest finished bar, market, next bar due
    ("daylight saving ends: Friday's close", "2026-10-30 20:01", "2026-10-30 19:30", "closed", "2026-11-02 15:31"),
    ("daylight saving ends: no session yet", "2026-11-02 13:45", "2026-10-30 19:30", "closed", "2026-11-02 15:31"),
    ("daylight saving ends: first bar", "2026-11-02 15:31", "2026-11-02 14:30", "open", "2026-11-02 16:31"),
    ("within the grace of the last bar", "2026-11-02 21:00", "2026-11-02 19:30", "closed", "2026-11-02 21:01"),
    ("daylight saving begins: Friday's close", "2027-03-12 21:01", "2027-03-12 20:30", "closed", "2027-03-15 14:31"),
    ("daylight saving begins: open", "2027-03-15 14:30", "2027-03-12 20:30", "open", "2027-03-15 14:31"),
    ("daylight saving begins: first bar", "2027-03-15 14:31", "2027-03-15 13:30", "open", "2027-03-15 15:31"),
    ("Thanksgiving", "2026-11-26 18:00", "2026-11-25 20:30", "closed", "2026-11-27 15:31"),
    ("half day: before the last bar", "2026-11-27 18:00", "2026-11-27 16:30", "closed", "2026-11-27 18:01"),
    ("half day: the last bar", "2026-11-27 18:01", "2026-11-27 17:30", "closed", "2026-11-30 15:31"),
    ("half day: when others still trade", "2026-12-24 19:45", "2026-12-24 17:30", "closed", "2026-12-28 15:31"),
    ("Christmas Day", "2026-12-25 18:00", "2026-12-24 17:30", "closed", "2026-12-28 15:31"),
    ("after Christmas: first bar", "2026-12-28 15:31", "2026-12-28 14:30", "open", "2026-12-28 16:31"),
    ("between the years", "2026-12-30 18:45", "2026-12-30 17:30", "open", "2026-12-30 19:31"),
    ("New Year's Eve: the last bar", "2026-12-31 21:01", "2026-12-31 20:30", "closed", "2027-01-04 15:31"),
    ("the first session of a year", "2027-01-04 15:31", "2027-01-04 14:30", "open", "2027-01-04 16:31"),
    ("long weekend", "2027-01-18 18:00", "2027-01-15 20:30", "closed", "2027-01-19 15:31"),
    ("the year's end, midnight UTC", "2027-01-01 00:00", "2026-12-31 20:30", "closed", "2027-01-04 15:31"),
    ("the year's end, midnight in New York", "2027-01-01 05:00", "2026-12-31 20:30", "closed", "2027-01-04 15:31"),
    ("midnight UTC within a week", "2026-11-18 00:00", "2026-11-17 20:30", "closed", "2026-11-18 15:31"),
]


def set_clock(monkeypatch: pytest.MonkeyPatch, instant: datetime, ahead: timedelta = timedelta(0)) -> None:
    """Stop the clock at *instant*; the true time is *ahead* earlier."""
    monkeypatch.setattr(clock, "now", lambda: instant + ahead)


def zulu(instant: datetime) -> str:
    """The instant as responses show it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(autouse=True)
def check_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each request read the clock, also two within a second."""
    monkeypatch.setattr(response_cache, "_PREPARED_SECONDS", 0)


@pytest.mark.parametrize(("now", "newest", "state", "due"), [pytest.param(*row[1:], id=row[0]) for row in MOMENTS])
def test_status_counts_tickers_behind_and_names_the_next_due_bar(
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    now: str,
    newest: str,
    state: str,
    due: str,
) -> None:
    """AAPL has the newest finished bar and is not behind; MSFT, which lacks it, is; nothing is called stale."""
    change(database_url, "UPDATE tickers SET active = ticker IN ('AAPL', 'MSFT')")
    put(database_url, [Bar("AAPL", at(newest)), Bar("MSFT", at(newest) - timedelta(days=40))])

    with serving(database_url, redis_url) as api:
        set_clock(monkeypatch, at(now))
        status = api.json("/status")
        latest = api.get("/latest")

    found = [status["newest_finished_bar"], status["market"]["state"], status["next_bar_due"], status["behind"]]
    assert found == [zulu(at(newest)), state, zulu(at(due)), 1]
    assert (status["stale"], latest.json()["stale"], status["data_age_seconds"] >= 0) == (False, False, True)
    assert latest.headers["cache-control"].startswith("public, max-age=5,"), (
        "clients ask soon for the bar that MSFT lacks"
    )


def test_the_market_state_is_unknown_after_the_calendar_ends(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the calendar's last day the market is closed; from the next year on its state is unknown."""
    with psycopg.connect(database_url) as connection:
        [(last, closes)] = connection.execute("SELECT date, closes FROM sessions ORDER BY date DESC LIMIT 1").fetchall()
    with serving(database_url, redis_url) as api:
        set_clock(monkeypatch, closes + timedelta(hours=1))
        before = api.json("/status")["market"]
        set_clock(monkeypatch, closes + timedelta(days=5))
        after = api.json("/status")["market"]

    assert (before["state"], before["next_open"]) == ("closed", None)
    assert (after["state"], after["calendar_until"]) == ("unknown", last.isoformat())


def test_a_clock_put_back_freezes_nothing(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response from two hours ahead is not sent again, and no age is negative."""
    put(database_url, [Bar("AAPL", at("2026-11-20 16:30"))])
    wrong, right = at("2026-11-20 19:00"), at("2026-11-20 17:00")

    with serving(database_url, redis_url) as api:
        answers: list[tuple[str, int]] = []
        for now in (wrong, right, right + timedelta(seconds=1)):
            set_clock(monkeypatch, now)
            status = api.json("/status")
            answers.append((status["answered_at"], status["data_age_seconds"]))
            max_age = api.get("/latest").headers["cache-control"]

    assert [one[0] for one in answers] == [zulu(wrong), zulu(right), zulu(right + timedelta(seconds=1))]
    assert [one[1] for one in answers] == [5400, 0, 0]
    assert int(max_age.removeprefix("public, max-age=").partition(",")[0]) <= 3600


@pytest.mark.parametrize(("ahead", "wrong"), [(0, False), (7200, True), (-7200, True), (30, False)])
def test_a_wrong_clock_is_shown(
    database_url: str, redis_url: str, ahead: int, wrong: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """/status compares our clock with the database's, and the log says what to do."""
    with pytest.MonkeyPatch.context() as patch, serving(database_url, redis_url, now=None) as api:
        true_now = clock.now
        patch.setattr(clock_check.clock, "now", lambda: true_now() + timedelta(seconds=ahead))
        shown = api.json("/status")["clock"]

    assert shown["wrong"] is wrong
    assert abs(shown["ahead_of_database_seconds"] - ahead) <= 2
    assert any("set it" in message for message in caplog.messages) is wrong


def test_a_replayed_time_is_not_compared(database_url: str, redis_url: str) -> None:
    """A demo of a past week is not a wrong clock."""
    with serving(database_url, redis_url) as api:
        assert api.json("/status")["clock"] == {
            "wrong": False,
            "ahead_of_database_seconds": None,
            "ahead_of_provider_seconds": None,
        }
