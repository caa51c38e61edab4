"""Tell of the hours that are due: once each, whoever asks for it and however often."""

import asyncio
import logging
from datetime import datetime, timedelta

from psycopg import AsyncConnection

from functions.insights.due import MODEL_CALLS, Due, candidates, find_due, overdue
from functions.insights.hour import SESSIONS, Hour
from functions.insights.names import short_names
from functions.insights.settings import Settings
from functions.insights.stored import select_bars, select_names, select_newest_start, select_standings
from functions.insights.table import fact_table
from functions.insights.telling import Telling
from functions.insights.worded import tell
from functions.insights.written import count_call, keep_telling, lock_writing, unlock_writing
from shared.calendar.queries import select_calendar
from shared.calendar.trading import TradingCalendar
from shared.events.types import InsightsWritten
from shared.runtime import clock

_logger = logging.getLogger(__name__)
_PAST = timedelta(days=45)
"""More than the sessions that facts look back to, after those that hold the hours to tell of."""
_A_MOMENT = timedelta(seconds=1)
_ROUNDS = 3


class Written:
    """What came of looking: the newest hour that was told of, if any, and the market epoch after it."""

    def __init__(self) -> None:
        self.event: InsightsWritten | None = None
        self.event_id = ""
        self.epoch: int | None = None

    def add(self, telling: Telling, revision: int, epoch: int) -> None:
        """Note that *telling* was kept."""
        self.epoch = epoch
        hour = telling.hour
        if self.event is None or hour.end >= self.event.as_of:
            self.event = InsightsWritten(as_of=hour.end, generator=telling.generator, count=len(telling.insights))
            self.event_id = f"{hour.start:%Y-%m-%dT%H:%M:%SZ}.{revision}"


async def write_due(connection: AsyncConnection, settings: Settings, written: Written, *, deadline: bool) -> None:
    """Tell of the hours that are due and add what came of it to *written*; at a *deadline* also of incomplete ones.

    Somebody else at work means that there is nothing to do: they look again when they are done.
    """
    for _ in range(_ROUNDS):
        if not await look(connection, settings, deadline=deadline) or not await lock_writing(connection):
            break
        try:
            await _write(connection, settings, written, deadline=deadline)
        finally:
            await unlock_writing(connection)


async def look(connection: AsyncConnection, settings: Settings, *, deadline: bool) -> list[Due]:
    """Return what is due now, newest first."""
    market = await _select_market(connection)
    return [] if market is None else await _find(connection, settings, *market, deadline=deadline)


async def _select_market(connection: AsyncConnection) -> tuple[TradingCalendar, datetime] | None:
    """Return the sessions around the newest bar, and its start; None without any bar in a session."""
    newest = await select_newest_start(connection)
    if newest is None:
        return None
    market = await select_calendar(connection, newest - _PAST, newest + _A_MOMENT)
    return (market, newest) if market.sessions else None


async def _find(
    connection: AsyncConnection, settings: Settings, market: TradingCalendar, newest: datetime, *, deadline: bool
) -> list[Due]:
    starts = candidates(market, newest, settings.insights_history_hours)
    late = overdue(market, starts, clock.now(), settings.waits) if deadline else []
    return find_due(await select_standings(connection, starts), late)


async def _write(connection: AsyncConnection, settings: Settings, written: Written, *, deadline: bool) -> None:
    """Tell of what is due, the newest hour first; what others did meanwhile is not done again."""
    found = await _select_market(connection)
    if found is None:
        return
    market, newest = found
    due = await _find(connection, settings, market, newest, deadline=deadline)
    if not due:
        return
    names = await select_names(connection)
    hours = await _select_hours(connection, market, [one.start for one in due], tuple(names))
    for one, hour in zip(due, hours, strict=True):
        await _tell(connection, settings, one, hour, short_names(names), written)


async def _tell(
    connection: AsyncConnection, settings: Settings, due: Due, hour: Hour, names: dict[str, str], written: Written
) -> None:
    async def may_call() -> bool:
        return due.calls > 0 and await count_call(connection, due.start) <= MODEL_CALLS

    # Off the event loop: it takes as long as ten readers.
    facts = await asyncio.to_thread(fact_table, hour)
    telling = await tell(hour, facts, settings, due.calls, may_call)
    epoch = await keep_telling(connection, telling, due.revision, names)
    if epoch is None:
        _logger.info("%s was told of by somebody else", due.start.isoformat())
        return
    written.add(telling, due.revision, epoch)
    _logger.info(
        "told of %s, revision %d: %d insights by %s, %d tickers missing",
        due.start.isoformat(),
        due.revision,
        len(telling.insights),
        telling.generator,
        len(hour.missing),
    )


async def _select_hours(
    connection: AsyncConnection, market: TradingCalendar, starts: list[datetime], tickers: tuple[str, ...]
) -> list[Hour]:
    """Return the hours at *starts* with the bars that their facts may rest on."""
    sessions = list(market.sessions)
    places = {start: next(n for n, s in enumerate(sessions) if s.opens <= start < s.closes) for start in starts}
    first = sessions[max(min(places.values()) - SESSIONS, 0)]
    bars = await select_bars(connection, tickers, first.opens, max(starts) + _A_MOMENT)
    return [
        Hour(start, sessions[place], tuple(sessions[max(place - SESSIONS, 0) : place]), tickers, bars)
        for start, place in places.items()
    ]
