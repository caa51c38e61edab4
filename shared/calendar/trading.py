"""Trading calendar: sessions of the exchange, expected bars and the times they are due, and the query in Postgres."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import class_row

from shared.connections.pipeline import PendingResult

EXCHANGE_ZONE = ZoneInfo("America/New_York")

LENGTHS = {
    "1min": timedelta(minutes=1),
    "5min": timedelta(minutes=5),
    "15min": timedelta(minutes=15),
    "30min": timedelta(minutes=30),
    "1h": timedelta(hours=1),
}
"""Stored intervals. A bar starts on the grid from the session's open; the last of a session may be shorter."""


class Session(NamedTuple):
    """Trading day: its date in New York, and the instants (UTC) between which it trades."""

    date: date
    opens: datetime
    closes: datetime

    def starts(self, interval: str) -> Iterator[datetime]:
        """Yield the start of each bar of this session."""
        start = self.opens
        while start < self.closes:
            yield start
            start += LENGTHS[interval]

    def has_bar_at(self, interval: str, start: datetime) -> bool:
        """Return whether a bar of this session starts at *start*."""
        return self.opens <= start < self.closes and not (start - self.opens) % LENGTHS[interval]

    def end(self, interval: str, start: datetime) -> datetime:
        """Return the end of the bar that starts at *start*."""
        return min(start + LENGTHS[interval], self.closes)


class TradingCalendar:
    """Sessions in order, computed by the migration and stored in Postgres."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.sessions = sessions
        self._opens = [session.opens for session in sessions]

    def session_at(self, instant: datetime) -> Session | None:
        """Return the session that trades at *instant*, None when the market is closed."""
        session = self.last_opened(instant)
        return session if session and instant < session.closes else None

    def last_opened(self, instant: datetime) -> Session | None:
        """Return the newest session that has opened by *instant*."""
        index = bisect_right(self._opens, instant)
        return self.sessions[index - 1] if index else None

    def next_opening(self, instant: datetime) -> Session | None:
        """Return the first session that opens after *instant*."""
        index = bisect_right(self._opens, instant)
        return self.sessions[index] if index < len(self.sessions) else None

    def starts(self, interval: str, first: datetime, end: datetime) -> list[datetime]:
        """Return the starts in [first, end) of all expected bars, in order."""
        index = max(bisect_left(self._opens, first) - 1, 0)
        found: list[datetime] = []
        for session in self.sessions[index:]:
            if session.opens >= end:
                break
            found += [start for start in session.starts(interval) if first <= start < end]
        return found

    def last_finished_bar(self, interval: str, now: datetime, grace: timedelta) -> datetime | None:
        """Return the start of the newest bar that ended at least *grace* before *now*."""
        index = bisect_right(self._opens, now)
        for session in reversed(self.sessions[max(index - 2, 0) : index]):
            finished = [s for s in session.starts(interval) if session.end(interval, s) + grace <= now]
            if finished:
                return finished[-1]
        return None

    def next_due(self, interval: str, now: datetime, grace: timedelta) -> datetime | None:
        """Return the instant after *now* at which the next bar counts as finished."""
        index = max(bisect_right(self._opens, now) - 1, 0)
        for session in self.sessions[index : index + 2]:
            for start in session.starts(interval):
                due = session.end(interval, start) + grace
                if due > now:
                    return due
        return None


async def select_calendar(connection: AsyncConnection, first: datetime, end: datetime) -> TradingCalendar:
    """Return the sessions that trade within [first, end); use a wider window if neighbouring sessions matter."""
    return await (await send_select_calendar(connection, first, end)).result()


async def send_select_calendar(
    connection: AsyncConnection, first: datetime, end: datetime
) -> PendingResult[TradingCalendar]:
    """Send the query of `select_calendar`; the caller reads its rows later."""
    cursor = connection.cursor(row_factory=class_row(Session))
    await cursor.execute(
        """
        SELECT date, opens, closes
          FROM sessions
         WHERE closes > %(first)s
           AND opens > %(first)s - interval '1 day'  -- what closes after it opened then: the index is on opens
           AND opens < %(end)s
         ORDER BY opens
        """,
        {"first": first, "end": end},
    )
    return PendingResult(cursor, TradingCalendar)
