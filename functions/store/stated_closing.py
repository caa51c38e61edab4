"""A closing or early close that an operator states: the session of the day changes at once."""

from datetime import date, datetime, time
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from functions.store.calendar import FIRST_DAY, REGULAR_HOURS, ZONE, read_special_days
from shared.http.problem import bad_parameters


async def state_closing(
    connection: AsyncConnection, day: date, closes: time | None, now: datetime, *, withdrawn: bool
) -> dict[str, Any]:
    """Record the closing of *day* (*withdrawn*: that there is none) and change its session."""
    last_day = await _select_last_day(connection)
    if not FIRST_DAY <= day <= last_day:
        raise bad_parameters([("date", f"should be from {FIRST_DAY} to {last_day}, where the calendar ends")])
    special = {one: (opens, ends) for one, opens, ends in read_special_days().days}
    opens, ends = special.get(day, REGULAR_HOURS if day.weekday() < 5 else (None, None))
    if opens is None or ends is None:
        raise bad_parameters([("date", f"should be a trading day: the exchange is closed on {day} anyway")])
    if withdrawn:
        await connection.execute("DELETE FROM calendar_closings WHERE date = %(day)s", {"day": day})
    else:
        await _upsert_closing(connection, day, closes, now)
        ends = closes and f"{closes:%H:%M}"
    await connection.execute("DELETE FROM sessions WHERE date = %(day)s", {"day": day})
    if ends:
        await _insert_session(connection, day, opens, ends)
    detail = f"The exchange trades on {day} from {opens} to {ends}." if ends else f"The exchange is closed on {day}."
    return {"date": day.isoformat(), "changed": True, "detail": detail}


async def _select_last_day(connection: AsyncConnection) -> date:
    """Return the last day of the calendar: of the year of its last session, which may be closed itself."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute("SELECT make_date(extract(year FROM max(date))::int, 12, 31) FROM sessions")
    return await cursor.fetchone() or FIRST_DAY


async def _upsert_closing(connection: AsyncConnection, day: date, closes: time | None, now: datetime) -> None:
    await connection.execute(
        """
        INSERT INTO calendar_closings (date, closes, stated_by, stated_at)
             VALUES (%(day)s, %(closes)s, 'operator', %(now)s)
        ON CONFLICT (date) DO UPDATE
                SET closes = excluded.closes,
                    stated_by = excluded.stated_by,
                    stated_at = excluded.stated_at
        """,
        {"day": day, "closes": closes, "now": now},
    )


async def _insert_session(connection: AsyncConnection, day: date, opens: str, ends: str) -> None:
    zone: LiteralString = ZONE
    await connection.execute(
        """
        INSERT INTO sessions (date, opens, closes)
             VALUES (%(day)s, (%(day)s::date + %(opens)s::time) AT TIME ZONE %(zone)s,
                     (%(day)s::date + %(ends)s::time) AT TIME ZONE %(zone)s)
        """,
        {"day": day, "opens": opens, "ends": ends, "zone": zone},
    )
