"""Writer of insights: by the rules for every due hour, then by a model for the newest of them."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.insights.facts.comparable import comparable_revisions, within_one_series
from functions.insights.facts.hour import HOURLY, PERIODS, SESSIONS, Hour
from functions.insights.facts.registry import FactTable, fact_table
from functions.insights.generation.editor import Choice, PublishedStories, choose, published_stories
from functions.insights.generation.insert import insert_insights_of_hour, lock_writing
from functions.insights.generation.queries import (
    HourStatus,
    TrackedCompany,
    select_agreements,
    select_bars,
    select_companies,
    select_hour_statuses,
    select_newest_start,
    select_published,
    select_revisions,
    select_splits,
)
from functions.insights.generation.result import HourInsights
from functions.insights.settings import Settings
from functions.insights.text.template import short_names
from shared.calendar.trading import TradingCalendar, select_calendar
from shared.events.types import InsightsWritten
from shared.runtime import clock

_logger = logging.getLogger(__name__)
_CLOSINGS = 262
"""Sessions before an hour's whose closing bars are loaded at the close: more than 52 weeks."""
_PAST, _FUTURE = timedelta(days=385), timedelta(days=10)
_MOMENT = timedelta(seconds=1)
_ROUNDS = 3
_PRESENT_AT_LEAST = 5
"""Tickers that must have a bar, or all there are, before an hour is written without the others."""


class Due(NamedTuple):
    """An hour to write, as which revision, and whether a model may rewrite it afterwards."""

    start: datetime
    revision: int
    for_model: bool


class WriteResult:
    """Written hours: the newest as an event, whether a model should rewrite it, and the market version after it."""

    def __init__(self) -> None:
        self.event: InsightsWritten | None = None
        self.event_id = ""
        self.epoch: int | None = None
        self.for_model = False

    def add(self, hour: HourInsights, revision: int, epoch: int, *, for_model: bool = False) -> None:
        """Note that *hour* was stored."""
        self.epoch = epoch
        if self.event is None or hour.hour.end >= self.event.as_of:
            self.event = InsightsWritten(as_of=hour.hour.end, generator=hour.generator, count=len(hour.insights))
            self.event_id = f"{hour.hour.start:%Y-%m-%dT%H:%M:%SZ}.{revision}"
            self.for_model = for_model


async def write_due(
    connection: AsyncConnection, settings: Settings, written: WriteResult, *, at_deadline: bool
) -> None:
    """Write the hours that are due and add them to *written*; *at_deadline* also incomplete ones.

    Another writer at work means that there is nothing to do: it looks again when it is done.
    """
    for _ in range(_ROUNDS):
        due = await _find(connection, settings, at_deadline=at_deadline)
        if not due or not await _write(connection, settings, due, written):
            break


async def load_hours(
    connection: AsyncConnection, starts: Sequence[datetime]
) -> tuple[list[Hour], list[TrackedCompany]]:
    """Return the hours at *starts* with the bars that their facts may need, and the companies."""
    companies = await select_companies(connection)
    calendar = await _select_calendar(connection, min(starts), max(starts) + _FUTURE)
    sessions = list(calendar.sessions)
    places = [next(n for n, one in enumerate(sessions) if one.opens <= start < one.closes) for start in starts]
    tickers = tuple(company.ticker for company in companies if not company.on_two_scales)
    closings = {
        closing
        for start, place in zip(starts, places, strict=True)
        for closing in _needed_closings(
            Hour(start, sessions[place], sessions[max(place - _CLOSINGS, 0) : place], (), {})
        )
    }
    bars = await select_bars(
        connection,
        tickers,
        sessions[max(min(places) - SESSIONS, 0)].opens,
        max(starts) + _MOMENT,
        sorted(closings),
    )
    agreements = await select_agreements(connection, tickers)
    revisions = comparable_revisions(
        await select_revisions(connection, tickers, sessions[min(places)].opens, max(starts) + _MOMENT),
        bars,
        agreements,
    )
    splits = await select_splits(connection, [sessions[place].date for place in places])
    industries = {company.ticker: company.industry for company in companies if company.industry}
    hours = [
        within_one_series(
            Hour(
                start,
                sessions[place],
                tuple(sessions[max(place - _CLOSINGS, 0) : place]),
                tickers,
                bars,
                industries,
                sessions[place + 1].date if place + 1 < len(sessions) else None,
                revisions,
                splits.get(sessions[place].date, {}),
                tuple(company.ticker for company in companies if company.on_two_scales),
            ),
            agreements,
        )
        for start, place in zip(starts, places, strict=True)
    ]
    return hours, companies


def _needed_closings(hour: Hour) -> Sequence[datetime]:
    """Return the starts of the closing bars that facts of *hour* need: all at the close, else one for each period."""
    if hour.closes:
        return hour.closings
    return [start for period in PERIODS if (start := hour.period_closing(period))]


async def choose_stories(connection: AsyncConnection, hour: Hour) -> tuple[FactTable, list[Choice]]:
    """Return the facts of *hour* and its stories, given those that its session has published."""
    published = await select_published(connection, hour.session.opens, hour.start)
    return await asyncio.to_thread(_choose, hour, published)


def _choose(hour: Hour, published: Sequence[PublishedStories]) -> tuple[FactTable, list[Choice]]:
    facts = fact_table(hour)
    return facts, choose(hour, facts, published)


async def _find(connection: AsyncConnection, settings: Settings, *, at_deadline: bool) -> list[Due]:
    """Return the hours that are due now, oldest first."""
    newest = await select_newest_start(connection)
    if newest is None:
        return []
    calendar = await _select_calendar(connection, newest, newest + _MOMENT)
    if not calendar.sessions:
        return []
    starts = candidate_starts(calendar, newest, settings.insights_history_hours)
    late = overdue(calendar, starts, clock.now(), settings.deadline) if at_deadline else []
    return find_due(await select_hour_statuses(connection, starts), late)


async def _write(connection: AsyncConnection, settings: Settings, due: Sequence[Due], written: WriteResult) -> bool:
    """Write the hours *due* by the rules, oldest first, as each hour remembers those before it.

    False when another writer is at work. The right to write is taken for each hour's transaction, not for the session:
    a pooler may give the next transaction another server.
    """
    hours, companies = await load_hours(connection, [one.start for one in due])
    names = short_names({company.ticker: company.name for company in companies})
    published: list[PublishedStories] = []
    for one, hour in zip(due, hours, strict=True):
        async with connection.transaction():
            if not await lock_writing(connection):
                return False
            if not published or hour.before != published[-1].start:
                published = await select_published(connection, hour.session.opens, hour.start)
            # Off the event loop: it takes as long as ten readers.
            facts, choices = await asyncio.to_thread(_choose, hour, published)
            result = HourInsights(hour, facts, [choice.insight for choice in choices])
            epoch = await insert_insights_of_hour(connection, result, one.revision, names)
        if epoch is None:
            _logger.info("%s was written by another writer", one.start.isoformat())
            published = []
            continue
        published = [*published, published_stories(hour.start, choices)]
        written.add(result, one.revision, epoch, for_model=one.for_model and settings.has_model)
        _logger.info(
            "wrote %s, revision %d: %d insights by rules, %d tickers missing",
            one.start.isoformat(),
            one.revision,
            len(choices),
            len(hour.missing),
        )
    return True


async def _select_calendar(connection: AsyncConnection, first: datetime, end: datetime) -> TradingCalendar:
    return await select_calendar(connection, first - _PAST, end)


def candidate_starts(calendar: TradingCalendar, newest: datetime, hours: int) -> list[datetime]:
    """Return the starts of the newest *hours* bars up to *newest* that the sessions call for, in order."""
    return calendar.starts(HOURLY, calendar.sessions[0].opens, newest + timedelta(seconds=1))[-hours:]


def find_due(statuses: Iterable[HourStatus], overdue: Sequence[datetime]) -> list[Due]:
    """Return the hours to write, oldest first, from *statuses*, newest first.

    A complete hour without insights, or with those of its deadline; one whose bars have changed; and of *overdue* hours
    what is there. A model is for the newest complete hour, and for the newest overdue.
    """
    found: list[Due] = []
    newest = True
    for hour in statuses:
        complete = hour.active > 0 and hour.present >= hour.active
        late = hour.start in overdue and hour.present >= min(_PRESENT_AT_LEAST, max(hour.active, 1))
        if not complete and not late:
            continue
        if hour.revision is None or hour.superseded or (complete and not hour.complete):
            found.append(Due(hour.start, 0 if hour.revision is None else hour.revision + 1, newest))
        newest = False
    return found[::-1]


def overdue(
    calendar: TradingCalendar, starts: Iterable[datetime], now: datetime, deadline: timedelta
) -> list[datetime]:
    """Return those of *starts* whose bars ended at least *deadline* before *now*."""
    found: list[datetime] = []
    for start in starts:
        session = calendar.session_at(start)
        if session and session.end(HOURLY, start) + deadline <= now:
            found.append(start)
    return found
