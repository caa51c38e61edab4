"""Closings and early closes that the release's calendar does not know: from a setting, or stated by an operator."""

from collections.abc import Mapping
from datetime import date, datetime, time

from psycopg import Connection

CLOSED = "closed"
Closings = dict[date, time | None]
"""The New York time at which a session closes early, None for no session."""

_EARLIEST, _LATEST = time(10), time(16)


def parse_closing(text: str) -> time | None:
    """Return the early close that *text* states as `13:00`, None for `closed`; ValueError for anything else."""
    if text == CLOSED:
        return None
    try:
        closes = time.fromisoformat(text)
    except ValueError:
        raise ValueError("should be closed, or New York time of the early close such as 13:00") from None
    if closes.tzinfo or not _EARLIEST <= closes < _LATEST:
        raise ValueError("should be closed, or an early close from 10:00 to 15:59 in New York")
    return closes


def parse_closings(setting: Mapping[str, str]) -> Closings:
    """Return the closings of the setting CALENDAR_CLOSINGS; ValueError says which part is wrong."""
    found: Closings = {}
    for day, text in setting.items():
        try:
            found[date.fromisoformat(day)] = parse_closing(text)
        except ValueError as error:
            what = f"{error}" if "should" in f"{error}" else "should look like 2025-01-09=closed,2026-12-24=13:00"
            raise ValueError(f"CALENDAR_CLOSINGS: {day}={text}: {what}") from None
    return found


def replace_setting(connection: Connection, closings: Closings, now: datetime) -> None:
    """Replace the closings of the setting by *closings*; keep those that an operator stated."""
    connection.execute(
        """
        DELETE FROM calendar_closings
              WHERE stated_by = 'setting'
                AND NOT date = ANY (%(days)s::date[])
        """,
        {"days": list(closings)},
    )
    connection.execute(
        """
        INSERT INTO calendar_closings (date, closes, stated_by, stated_at)
             SELECT date, closes, 'setting', %(now)s
               FROM unnest(%(days)s::date[], %(closes)s::time[]) AS setting (date, closes)
        ON CONFLICT (date) DO UPDATE
                SET closes = excluded.closes,
                    stated_by = 'setting'
        """,
        {"days": list(closings), "closes": list(closings.values()), "now": now},
    )


def select_closings(connection: Connection) -> Closings:
    """Return all closings, by day."""
    return dict(connection.execute("SELECT date, closes FROM calendar_closings ORDER BY date").fetchall())
