"""Trading sessions of the exchange, computed from its special days so that nothing loads a calendar library."""

import csv
import hashlib
import logging
from datetime import date, timedelta
from pathlib import Path
from typing import LiteralString, NamedTuple

from psycopg import Connection

from functions.store.closings import Closings

FIRST_DAY = date(2000, 1, 1)
ZONE: LiteralString = "America/New_York"
REGULAR_HOURS = ("09:30", "16:00")
ENDS_SOON = timedelta(days=60)
SPECIAL_DAYS = Path(__file__).with_name("special_days.csv")

_logger = logging.getLogger(__name__)

# The record of the migrations also holds the checksum of the special days that the sessions were computed from.
_STEP: LiteralString = "sessions"


class SpecialDays(NamedTuple):
    """Weekdays with other hours than usual, or none, up to *last_day*; *checksum* is the file's."""

    last_day: date
    days: list[tuple[date, str | None, str | None]]
    checksum: str


def read_special_days(path: Path = SPECIAL_DAYS) -> SpecialDays:
    """Read the special days that `make sessions` has written."""
    content = path.read_bytes()
    first, *lines = content.decode().splitlines()
    last_day = date.fromisoformat(first.removeprefix("# until ").partition(",")[0])
    rows = [(date.fromisoformat(day), opens or None, closes or None) for day, opens, closes in csv.reader(lines)]
    return SpecialDays(last_day, rows, hashlib.sha256(content).hexdigest())


def fill_sessions(connection: Connection, until: date, closings: Closings | None = None) -> bool:
    """Store the sessions from 2000 to *until* (the last day of a year) in the caller's transaction.

    *closings* win over the special days. Return False when the sessions reach that far and come from the same days.
    """
    special = _with_closings(read_special_days(), closings or {})
    if until > special.last_day:
        _logger.warning("sessions end with %s: run `make sessions` in a newer checkout", special.last_day)
        until = special.last_day
    if _select_last_year(connection) >= until.year and _select_checksum(connection) == special.checksum:
        return False
    connection.execute("DELETE FROM sessions")
    _insert_sessions(connection, until, special)
    connection.execute(
        """
        INSERT INTO migrations (name, checksum)
             VALUES (%(step)s, %(checksum)s)
        ON CONFLICT (name) DO UPDATE
                SET checksum = excluded.checksum,
                    applied_at = now()
        """,
        {"step": _STEP, "checksum": special.checksum},
    )
    return True


def warn_of_end(today: date, last_day: date) -> None:
    """Log a warning when the calendar ends soon."""
    if last_day - today < ENDS_SOON:
        _logger.warning(
            "the trading calendar ends with %s: upgrade, or run `make sessions` in a newer checkout", last_day
        )


def _with_closings(special: SpecialDays, closings: Closings) -> SpecialDays:
    if not closings:
        return special
    hours = {day: (opens, closes) for day, opens, closes in special.days}
    for day, closes in closings.items():
        opens, _ = hours.get(day, REGULAR_HOURS)
        hours[day] = (opens, f"{closes:%H:%M}") if closes and opens else (None, None)
    stated = hashlib.sha256(f"{special.checksum} {sorted(closings.items())}".encode()).hexdigest()
    return SpecialDays(special.last_day, [(day, *both) for day, both in sorted(hours.items())], stated)


def _insert_sessions(connection: Connection, until: date, special: SpecialDays) -> None:
    days, opens, closes = zip(*special.days, strict=True)
    connection.execute(
        """
        WITH special AS (
            SELECT *
              FROM unnest(%(days)s::date[], %(opens)s::time[], %(closes)s::time[]) AS _ (date, opens, closes)
        ), hours AS (
            SELECT day::date AS date,
                   CASE WHEN special IS NULL THEN %(regular_open)s::time ELSE special.opens END AS opens,
                   CASE WHEN special IS NULL THEN %(regular_close)s::time ELSE special.closes END AS closes
              FROM generate_series(%(first)s::timestamp, %(until)s, '1 day') AS day
              LEFT JOIN special ON special.date = day::date
             WHERE extract(isodow FROM day) < 6
        )
        INSERT INTO sessions (date, opens, closes)
        SELECT date, (date + opens) AT TIME ZONE %(zone)s, (date + closes) AT TIME ZONE %(zone)s
          FROM hours
         WHERE opens IS NOT NULL
        """,
        {
            "days": list(days),
            "opens": list(opens),
            "closes": list(closes),
            "regular_open": REGULAR_HOURS[0],
            "regular_close": REGULAR_HOURS[1],
            "first": FIRST_DAY,
            "until": until,
            "zone": ZONE,
        },
    )


def _select_last_year(connection: Connection) -> int:
    """Return the year of the last session, 0 when there is none."""
    row = connection.execute("SELECT coalesce(extract(year FROM max(date))::int, 0) FROM sessions").fetchone()
    return row[0] if row else 0


def _select_checksum(connection: Connection) -> str | None:
    row = connection.execute("SELECT checksum FROM migrations WHERE name = %(step)s", {"step": _STEP}).fetchone()
    return row[0] if row else None
