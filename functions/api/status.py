"""/status: market hours, age and faults of the data, provider credits, clocks and version."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.market_state import MarketState
from functions.api.model_status import select_model_status
from functions.api.provider_usage import ProviderUsage
from shared.calendar.trading import EXCHANGE_ZONE, Session
from shared.http.response_data import ResponseData, json_body, rfc3339, source_of

_FULL_DAY = timedelta(hours=6.5)
_CALENDAR_ENDS_SOON = timedelta(days=60)
_HOLDS = timedelta(seconds=1)


class Health(NamedTuple):
    """State of the data as a whole, from the tables."""

    epoch: int
    newest_start: datetime | None
    newest_end: datetime | None
    newest_tickers: int
    sources: tuple[str, ...]
    rejected: int
    disagreements: int
    compared_at: datetime | None
    dead_letters: int
    database_time: datetime
    calendar_until: date | None


async def respond_status(
    connection: AsyncConnection, state: MarketState, provider_usage: ProviderUsage
) -> ResponseData:
    """Return the state of market and data, and the credits that ingest has spent."""
    from functions.api.release import RELEASE  # only this endpoint needs it

    health = await select_health(connection, state.now - timedelta(days=1))
    finished = state.last_finished_bar
    body = {
        "as_of": health.newest_end and rfc3339(health.newest_end),
        "answered_at": rfc3339(state.now),
        "source": source_of(health.sources),
        "sources": health.sources,
        "stale": False,
        "exchange_tz": EXCHANGE_ZONE.key,
        "simulated": "simulated" in health.sources,
        "market": _market(state, health.calendar_until),
        "newest_bar": health.newest_start
        and {
            "datetime": rfc3339(health.newest_start),
            "end": health.newest_end and rfc3339(health.newest_end),
            "tickers": health.newest_tickers,
        },
        "data_age_seconds": health.newest_end and max(int((state.now - health.newest_end).total_seconds()), 0),
        "newest_finished_bar": finished and rfc3339(finished),
        "next_bar_due": state.next_due and rfc3339(state.next_due),
        "tickers": len(state.active),
        "behind": state.behind,
        "rejected_last_day": health.rejected,
        "disagreements": health.disagreements,
        "compared_at": health.compared_at and rfc3339(health.compared_at),
        "dead_letters": health.dead_letters,
        "left_out": state.left_out,
        "epoch": health.epoch,
        "providers": await provider_usage.read(),
        "model": await select_model_status(connection, state.now),
        "clock": _clock(health.database_time, provider_usage.clock_offset),
        "version": RELEASE,
    }
    return ResponseData(json_body(body), valid_until=state.now + _HOLDS, max_age=1)


def _clock(database_time: datetime, provider_offset: int | None) -> dict[str, object]:
    """Return by how many seconds our clocks are ahead of the database's and of a provider's."""
    from shared.runtime.clock_check import is_wrong, offset_seconds, warn  # the first response does not need it

    database_offset = offset_seconds(database_time)
    warn("the database", database_offset)
    return {
        "wrong": is_wrong([database_offset, provider_offset]),
        "ahead_of_database_seconds": database_offset,
        "ahead_of_provider_seconds": provider_offset,
    }


def _market(state: MarketState, calendar_until: date | None) -> dict[str, object]:
    """Return whether the exchange trades now; the session that trades, or the last one; and when the next opens.

    The calendar holds whole years: after its last one the state of the market is unknown.
    """
    year = state.now.astimezone(EXCHANGE_ZONE).year
    is_known = calendar_until is not None and year <= calendar_until.year
    known_state = "open" if state.calendar.session_at(state.now) else "closed"
    session, opening = state.calendar.last_opened(state.now), state.calendar.next_opening(state.now)
    return {
        "state": known_state if is_known else "unknown",
        "calendar_until": calendar_until and calendar_until.isoformat(),
        "calendar_warning": _calendar_warning(state.now, calendar_until),
        "session": session and session_item(session),
        "next_open": opening and rfc3339(opening.opens),
        "next_session": opening and session_item(opening),
    }


def _calendar_warning(now: datetime, until: date | None) -> str | None:
    """Return the advice for a calendar that ends soon."""
    if until is None or until - now.date() >= _CALENDAR_ENDS_SOON:
        return None
    return f"The trading calendar ends with {until}: run the migration; if that does not extend it, upgrade first."


def session_item(session: Session) -> dict[str, object]:
    """Return *session* as responses show it."""
    return {
        "date": session.date.isoformat(),
        "opens": rfc3339(session.opens),
        "closes": rfc3339(session.closes),
        "half_day": session.closes - session.opens < _FULL_DAY,
    }


async def select_health(connection: AsyncConnection, rejected_since: datetime) -> Health:
    """Return the state of the data, with the bars rejected since then."""
    cursor = connection.cursor(row_factory=class_row(Health))
    await cursor.execute(
        """
        WITH bar AS MATERIALIZED (
             SELECT ticker, start, "end", source
               FROM newest_bars
        )
        SELECT (SELECT epoch FROM market_epoch) AS epoch,
               max(bar.start) AS newest_start,
               max(bar."end") AS newest_end,
               count(*) FILTER (WHERE bar.start = (SELECT max(start) FROM bar)) AS newest_tickers,
               coalesce(array_agg(DISTINCT bar.source), '{}') AS sources,
               (SELECT count(*) FROM rejected_bars WHERE received_at >= %(rejected_since)s) AS rejected,
               (SELECT count(DISTINCT (ticker, start)) FROM disagreements WHERE resolved_at IS NULL) AS disagreements,
               (SELECT max(compared_at) FROM comparisons) AS compared_at,
               (SELECT count(*) FROM dead_letters) AS dead_letters,
               clock_timestamp() AS database_time,
               (SELECT max(date) FROM sessions) AS calendar_until
          FROM bar
        """,
        {"rejected_since": rejected_since},
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row
