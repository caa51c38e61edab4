"""Absence: why there are no insights for a query, and when it makes sense to ask again."""

from datetime import date, datetime
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.insights.reading.query import InsightsQuery
from shared.calendar.trading import EXCHANGE_ZONE
from shared.http.response_data import Reason, absent
from shared.runtime import clock


class _Facts(NamedTuple):
    """The oldest session with insights; of the session that is asked for its opening, and whether it has insights."""

    oldest: date | None
    opens: datetime | None
    written: bool


async def explain_insights(connection: AsyncConnection, wanted: InsightsQuery, due: datetime | None) -> Reason:
    """Return the reason; *due* is when the next hour is due."""
    if wanted.cursor:
        return absent("last-page", "There are no older hours beyond this cursor.")
    known, today = await _select_facts(connection, wanted), clock.now().astimezone(EXCHANGE_ZONE).date()
    if known.oldest is None:
        return absent("not-written", "No insights have been written yet.", due)
    if wanted.date and not known.written:
        if wanted.date > today:
            return absent("future", "The session lies in the future.", known.opens or due)
        if known.opens is None:
            return absent("market-closed", "The exchange had no session on that day: a weekend or a holiday.")
        if wanted.date < known.oldest:
            return absent("before-history", f"The oldest insights are of {known.oldest}.")
        again = due if wanted.date == today else None
        return absent("not-written", f"No insights have been written about {wanted.date}.", again)
    again = due if wanted.date in (None, today) else None
    return absent("none-qualifies", "No insight has this ticker, kind and significance.", again)


async def _select_facts(connection: AsyncConnection, wanted: InsightsQuery) -> _Facts:
    cursor = connection.cursor(row_factory=class_row(_Facts))
    await cursor.execute(
        """
        SELECT (SELECT min(session) FROM insight_hours) AS oldest,
               (SELECT opens FROM sessions WHERE date = %(date)s) AS opens,
               EXISTS (SELECT FROM insight_hours WHERE session = %(date)s) AS written
        """,
        {"date": wanted.date},
    )
    row = await cursor.fetchone()
    assert row is not None, "a row of subqueries"  # noqa: S101
    return row
