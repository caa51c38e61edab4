"""The exchange's trading days, computed once at migration so that no function has to load a calendar library."""

from datetime import date
from importlib.metadata import version
from typing import LiteralString

from psycopg import Connection

FIRST_DAY = date(2000, 1, 1)
LIBRARY = "exchange-calendars"

# The record of the migrations also tells which version of the library wrote the sessions: a newer one may know of
# a closure that was announced since.
_STEP: LiteralString = "sessions"


def fill_sessions(connection: Connection, until: date) -> bool:
    """Keep the sessions from 2000 to *until* (the last day of a year) in the caller's transaction.

    Return whether anything was written: not when they reach that far and come from this version of the library.
    """
    library = f"{LIBRARY} {version(LIBRARY)}"
    if _reach(connection) >= until.year and _select_library(connection) == library:
        return False
    rows = _compute(until)
    connection.execute("DELETE FROM sessions")
    with connection.cursor().copy("COPY sessions (date, opens, closes) FROM STDIN") as copy:
        copy.write("".join(f"{day}\t{opens}\t{closes}\n" for day, opens, closes in rows))
    connection.execute(
        """
        INSERT INTO migrations (name, checksum)
             VALUES (%(step)s, %(library)s)
        ON CONFLICT (name) DO UPDATE
                SET checksum = excluded.checksum,
                    applied_at = now()
        """,
        {"step": _STEP, "library": library},
    )
    return True


def _reach(connection: Connection) -> int:
    """Return the year of the last session, 0 when there is none."""
    row = connection.execute("SELECT coalesce(extract(year FROM max(date))::int, 0) FROM sessions").fetchone()
    return row[0] if row else 0


def _select_library(connection: Connection) -> str | None:
    row = connection.execute("SELECT checksum FROM migrations WHERE name = %(step)s", {"step": _STEP}).fetchone()
    return row[0] if row else None


def _compute(until: date) -> list[tuple[str, str, str]]:
    """Return (date, opening, closing) of each session, as text that Postgres reads."""
    import exchange_calendars  # half a second with all it brings: only when there is something to compute

    schedule = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end=until.isoformat()).schedule
    return [
        (day.date().isoformat(), opens.isoformat(), closes.isoformat())
        for day, opens, closes in zip(schedule.index, schedule["open"], schedule["close"], strict=True)
    ]
