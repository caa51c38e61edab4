"""Instants at which PingSources are due, in New York's time, and the schedules that Knative accepts."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from knative.local.application import PingSource
from knative.local.field_types import check_schedule, next_instant
from knative.local.manifests import read
from tests.runner.ticking import HOURLY

NEW_YORK = ZoneInfo("America/New_York")
LOCAL = Path(__file__).parents[2] / "knative" / "overlays" / "local"


def due(source: PingSource, after: datetime) -> datetime:
    """The next instant of *source*."""
    return next_instant(source.schedule, source.timezone, after)


def instants(source: PingSource, after: datetime, count: int) -> list[datetime]:
    """The next *count* instants of *source*, as New York sees them."""
    found: list[datetime] = []
    for _ in range(count):
        after = due(source, after)
        found.append(after.astimezone(NEW_YORK))
    return found


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-06T21:39:00+00:00", "2026-03-09T14:31:00+00:00"),  # summer time begins on Sunday
        ("2026-10-30T20:39:00+00:00", "2026-11-02T15:31:00+00:00"),  # and ends on another
        ("2026-07-01T14:39:00+00:00", "2026-07-01T15:31:00+00:00"),
        ("2026-07-01T14:30:59+00:00", "2026-07-01T14:31:00+00:00"),
        ("2026-07-01T14:31:00+00:00", "2026-07-01T14:32:00+00:00"),
    ],
)
def test_the_wall_clock_of_new_york_counts(after: str, expected: str) -> None:
    """10:31 in New York is another UTC hour in summer than in winter; an instant is never due twice."""
    assert due(HOURLY, datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


def ticks_of(day: date) -> list[datetime]:
    """The instants at which the manifests' schedules look for bars on *day* of New York."""
    sources = [source for source in read(LOCAL).ping_sources if source.extensions["job"] == "bars"]
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    found = (instant for source in sources for instant in instants(source, midnight, 100))
    return sorted(instant for instant in found if instant.date() == day)


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        (date(2026, 11, 23), ["10:30", "11:30", "12:30", "13:30", "14:30", "15:30", "16:00"]),
        (date(2026, 11, 27), ["10:30", "11:30", "12:30", "13:00"]),
    ],
    ids=["whole day", "half day"],
)
def test_every_finished_bar_gets_its_nine_ticks(day: date, ends: list[str]) -> None:
    """Nine ticks follow within ten minutes of the end of each bar of a session, and nine at night."""
    ticks = [tick.strftime("%H:%M") for tick in ticks_of(day)]

    for end in [*ends, "20:00"]:
        hours, minutes = map(int, end.split(":"))
        assert {f"{hours:02}:{minutes + n:02}" for n in range(1, 10)} <= set(ticks), end


def test_a_missed_tick_is_made_up_for_within_an_hour_at_any_time() -> None:
    """On a Sunday, too, a tick an hour looks for what is missing."""
    ticks = ticks_of(date(2026, 11, 22))

    assert len(ticks) == 24
    assert max(later - earlier for earlier, later in pairwise(ticks)) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("schedule_text", "timezone"),
    [
        ("@every 1m", "UTC"),
        ("61 * * * *", "UTC"),
        ("* * *", "UTC"),
        ("0 0 * * 7", "UTC"),
        ("0 0 L * *", "UTC"),
        ("0 0 * * 1#2", "UTC"),
        ("30-10 * * * *", "UTC"),
        ("*/0 * * * *", "UTC"),
        ("* * * * *", "America/Gotham"),
    ],
)
def test_a_schedule_that_knative_refuses_is_refused(schedule_text: str, timezone: str) -> None:
    """A schedule that the parser of Knative's webhook rejects does not start here either."""
    with pytest.raises(ValueError, match=r"schedule|timezone"):
        check_schedule(schedule_text, timezone)


@pytest.mark.parametrize("text", ["0 9 * * mon-FRI", "@daily", "*/5 ? 1,15 jan *", "0 0 12 * * 0"])
def test_a_schedule_that_knative_accepts_is_accepted(text: str) -> None:
    """Names of days, descriptors, steps and seconds are accepted, and have a next instant."""
    check_schedule(text, "UTC")

    assert next_instant(text, "UTC", datetime(2026, 11, 23, tzinfo=UTC)) > datetime(2026, 11, 23, tzinfo=UTC)


def test_seconds_come_first_when_there_are_six_fields() -> None:
    """As the adapter's parser has it, an optional first field counts seconds."""
    source = PingSource("n", "s", "15 30 10 * * *", "UTC", "application/json", "{}", {})

    assert due(source, datetime(2026, 11, 23, tzinfo=UTC)) == datetime(2026, 11, 23, 10, 30, 15, tzinfo=UTC)
