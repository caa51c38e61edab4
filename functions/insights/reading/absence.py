"""Absence: why there are no insights for a query, and when it makes sense to ask again."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.insights.reading.parameters import InsightsQuery
from shared.calendar.trading import EXCHANGE_ZONE
from shared.http.response_data import Reason, absence_reason
from shared.runtime import clock

_HOUR = timedelta(hours=1)


class _Facts(NamedTuple):
    """The oldest session with insights; of the session that is asked for its opening, and whether it has insights."""

    oldest: date | None
    opens: datetime | None
    written: bool


async def explain_insights(
    connection: AsyncConnection, wanted: InsightsQuery, due: datetime | None, grace: timedelta
) -> Reason:
    """Return the reason; *due* is when the next hour is due, *grace* after its end."""
    if wanted.cursor:
        return absence_reason("last-page", "There are no older hours beyond this cursor.")
    known, today = await _select_facts(connection, wanted), clock.now().astimezone(EXCHANGE_ZONE).date()
    if known.oldest is None:
        return absence_reason("not-written", "No insights have been written yet.", due)
    if wanted.date and not known.written:
        if known.opens is None:
            return absence_reason("market-closed", "The exchange has no session on that day: a weekend or a holiday.")
        if wanted.date > today:
            return absence_reason("future", "The session lies in the future.", known.opens + _HOUR + grace)
        if wanted.date < known.oldest:
            return absence_reason("before-history", f"The oldest insights are of {known.oldest}.")
        return absence_reason(
            "not-written", f"No insights have been written about {wanted.date}.", _within(due, wanted.date)
        )
    again = _within(due, wanted.date) if wanted.date else due
    if wanted.list is not None:
        text = "No insight about a ticker of this list has this kind and significance."
        return absence_reason("none-qualifies", text, again)
    return absence_reason("none-qualifies", "No insight has this ticker, kind and significance.", again)


def _within(due: datetime | None, day: date) -> datetime | None:
    """Return *due* if that hour is of the session of *day*."""
    return due if due and due.astimezone(EXCHANGE_ZONE).date() == day else None


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
