"""/calendar: sessions of the exchange in a window, and whether it trades now."""

import json
from dataclasses import replace
from datetime import timedelta

from psycopg import AsyncConnection

from functions.api.absence import explain_sessions
from functions.api.formats import table_response
from functions.api.market_state import HOURLY, MarketState
from functions.api.parameters import MAX_SESSIONS, Sessions
from functions.api.status import session_item
from functions.api.tables import SESSIONS
from shared.calendar.trading import EXCHANGE_ZONE, select_calendar
from shared.http.problem import bad_parameters
from shared.http.response_data import ResponseData, rfc3339

_HOLDS = timedelta(seconds=60)
_BEFORE, _AFTER = timedelta(days=7), timedelta(days=30)


async def respond_calendar(connection: AsyncConnection, state: MarketState, query: Sessions) -> ResponseData:
    """Return the sessions in the window: without one, those from last week to a month ahead.

    Problem 400 for a window of too many sessions.
    """
    now = state.now
    first = query.start or min(now, query.end or now) - _BEFORE
    end = query.end or max(now, first) + _AFTER
    found = await select_calendar(connection, first, end)
    if len(found.sessions) > MAX_SESSIONS:
        raise bad_parameters([("end", f"should be earlier: a response has at most {MAX_SESSIONS} sessions")])
    trading, opening = state.calendar.session_at(now), state.calendar.next_opening(now)
    change = trading.closes if trading else opening and opening.opens
    items = [session_item(one) | {"bars": len([*one.starts(HOURLY)])} for one in found.sessions]
    members = {
        "count": len(items),
        "stale": False,
        "exchange_tz": EXCHANGE_ZONE.key,
        "answered_at": rfc3339(now),
        "open_now": trading is not None,
        "next_change_at": change and rfc3339(change),
        "reason": None if items else await explain_sessions(connection, state, first, end),
    }
    data = await table_response(query.format, members, ",\n".join(map(json.dumps, items)), SESSIONS, "calendar")
    return replace(data, valid_until=min(now + _HOLDS, change or now + _HOLDS), max_age=60)
