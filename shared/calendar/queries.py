"""Query of the trading calendar, which the migration computes and every function reads."""

from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row

from shared.calendar.trading import Session, TradingCalendar


async def select_calendar(connection: AsyncConnection, first: datetime, end: datetime) -> TradingCalendar:
    """Return the sessions that trade within [first, end); ask for a few days more where neighbours matter."""
    cursor = connection.cursor(row_factory=class_row(Session))
    await cursor.execute(
        """
        SELECT date, opens, closes
          FROM sessions
         WHERE closes > %(first)s
           AND opens < %(end)s
         ORDER BY opens
        """,
        {"first": first, "end": end},
    )
    return TradingCalendar(await cursor.fetchall())
