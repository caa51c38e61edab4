"""The market clock calls for exactly the bars the exchange trades."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.calendar.trading import EXCHANGE_ZONE, Session, TradingCalendar

GRACE = timedelta(minutes=1)


def session(day: str, opens: str = "09:30", closes: str = "16:00") -> Session:
    """A session of *day* between two times in New York."""
    at = [
        datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=EXCHANGE_ZONE).astimezone(UTC)
        for time in (opens, closes)
    ]
    return Session(date.fromisoformat(day), *at)


def new_york(moment: str) -> datetime:
    """The instant of a wall-clock time in New York."""
    return datetime.fromisoformat(moment).replace(tzinfo=EXCHANGE_ZONE).astimezone(UTC)


WEDNESDAY, HALF_DAY, MONDAY = session("2026-11-25"), session("2026-11-27", closes="13:00"), session("2026-11-30")
THANKSGIVING = TradingCalendar([WEDNESDAY, HALF_DAY, MONDAY])


def test_a_full_day_has_seven_hourly_bars_and_the_last_is_half() -> None:
    """09:30 to 15:30 New York, the last lasting 30 minutes."""
    starts = list(WEDNESDAY.starts("1h"))

    assert [start.astimezone(EXCHANGE_ZONE).strftime("%H:%M") for start in starts] == [
        f"{hour:02}:30" for hour in range(9, 16)
    ]
    assert WEDNESDAY.end("1h", starts[-1]) == new_york("2026-11-25T16:00")


def test_a_half_day_has_four_bars() -> None:
    """The day after Thanksgiving closes at 13:00: 09:30, 10:30, 11:30, 12:30."""
    assert len(list(HALF_DAY.starts("1h"))) == 4


@pytest.mark.parametrize(
    ("day", "hour"), [("2026-03-06", 14), ("2026-03-09", 13), ("2026-10-30", 13), ("2026-11-02", 14)]
)
def test_daylight_saving_moves_the_utc_hour(day: str, hour: int) -> None:
    """The session opens at 09:30 in New York whatever UTC makes of it."""
    assert session(day).opens.hour == hour


def test_a_bar_is_due_when_it_ended_and_the_grace_is_over() -> None:
    """A bar that just ended may still change at the provider."""
    before, after = new_york("2026-11-25T10:30:59"), new_york("2026-11-25T10:31:00")

    assert THANKSGIVING.last_finished_bar("1h", before, GRACE) is None
    assert THANKSGIVING.last_finished_bar("1h", after, GRACE) == WEDNESDAY.opens


def test_a_holiday_calls_for_no_bar() -> None:
    """All through Thanksgiving the newest bar is Wednesday's last, and the next is due on Friday at 10:31."""
    noon = new_york("2026-11-26T12:00")

    assert THANKSGIVING.last_finished_bar("1h", noon, GRACE) == new_york("2026-11-25T15:30")
    assert THANKSGIVING.next_due("1h", noon, GRACE) == new_york("2026-11-27T10:31")
    assert THANKSGIVING.session_at(noon) is None


def test_the_last_bar_of_a_half_day_is_due_after_its_early_close() -> None:
    """12:30 to 13:00 is due at 13:01, not at 13:31."""
    assert THANKSGIVING.next_due("1h", new_york("2026-11-27T12:45"), GRACE) == new_york("2026-11-27T13:01")


def test_after_the_last_session_known_nothing_is_due() -> None:
    """The clock makes no sessions up."""
    assert THANKSGIVING.next_due("1h", new_york("2026-12-01T12:00"), GRACE) is None


def test_starts_are_taken_from_a_half_open_window() -> None:
    """[start, end): the bar at the end belongs to the next window."""
    starts = THANKSGIVING.starts("1h", new_york("2026-11-25T14:30"), new_york("2026-11-27T10:30"))

    assert starts == [new_york(f"2026-11-{moment}") for moment in ("25T14:30", "25T15:30", "27T09:30")]


@pytest.mark.parametrize(
    ("moment", "holds"), [("09:30", True), ("15:30", True), ("10:00", False), ("16:00", False), ("08:30", False)]
)
def test_a_bar_belongs_to_the_grid_of_its_session(moment: str, holds: bool) -> None:
    """Clock hours, the closing auction and extended hours are none of the session's hourly bars."""
    assert WEDNESDAY.has_bar_at("1h", new_york(f"2026-11-25T{moment}")) is holds


@pytest.mark.parametrize(("interval", "count"), [("1min", 390), ("5min", 78), ("15min", 26), ("30min", 13), ("1h", 7)])
def test_a_full_day_has_a_bar_for_each_interval_until_the_close(interval: str, count: int) -> None:
    """No bar starts at the close, where an interval divides the day."""
    starts = list(WEDNESDAY.starts(interval))

    assert len(starts) == count
    assert all(WEDNESDAY.has_bar_at(interval, start) for start in starts)
    assert not WEDNESDAY.has_bar_at(interval, WEDNESDAY.closes)
    assert WEDNESDAY.end(interval, starts[-1]) == WEDNESDAY.closes


def test_a_session_ends_at_its_close() -> None:
    """At 16:00:00 the market is closed, at 15:59:59 it is open."""
    assert THANKSGIVING.session_at(WEDNESDAY.closes) is None
    assert THANKSGIVING.session_at(WEDNESDAY.closes - timedelta(seconds=1)) == WEDNESDAY


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-25T08:00", "2026-11-25T10:31"),
        ("2026-11-25T10:31", "2026-11-25T11:31"),
        ("2026-11-27T13:01", "2026-11-30T10:31"),
        ("2026-11-30T16:01", None),
    ],
)
def test_the_next_bar_is_due_after_now(now: str, due: str | None) -> None:
    """Before the first session, at the instant a bar is due, after a half day, and at the calendar's end."""
    assert THANKSGIVING.next_due("1h", new_york(now), GRACE) == (due and new_york(due))


@pytest.mark.parametrize(("now", "opens"), [("2026-11-25T09:30", HALF_DAY), ("2026-11-30T09:30", None)])
def test_the_next_opening_is_after_now(now: str, opens: Session | None) -> None:
    """At an opening the next one is that of the session after it."""
    assert THANKSGIVING.next_opening(new_york(now)) == opens
