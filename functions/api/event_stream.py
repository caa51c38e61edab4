"""/events: a stream of server-sent events that says when there is something new, and keeps no process awake for long.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html. A stream is open while a bar is expected; at
other times it states what there is, and `retry` brings the client back when the next bar is due. The id of an event is
the state of the data after it, so that a client which was away receives one event for all that it missed.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from psycopg import AsyncConnection
from psycopg.rows import class_row
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from functions.api.market_state import HOURLY, MarketState
from functions.api.parameters import Query
from shared.auth.authenticator import Caller
from shared.cache.market_version import MarketVersion
from shared.http.query import read_query
from shared.http.response_data import rfc3339

STREAM_SECONDS = 45
"""Less than the timeout of a request in the cluster (knative/base/api.yaml)."""
_CHECK_SECONDS = 0.5
_ALIVE_SECONDS = 15
"""Proxies close a connection on which nothing is sent."""
_OVERDUE = timedelta(minutes=15)
"""A bar that is this late is waited for by asking now and then."""
_SOON_MS, _NOW_AND_THEN_MS, _LONGEST_MS = 1_000, 300_000, 3_600_000
_SPREAD_MS = 3_000
"""All clients are told of the same instant; they come back within this time after it."""
_MAX_STREAMS, _MAX_STREAMS_OF_CALLER = 200, 10

LoadState = Callable[[int], Awaitable[tuple[MarketState, "NewestData"] | None]]


@dataclass(frozen=True, slots=True)
class NewestData:
    """End of the newest bar, and the newest hour that has insights, with its revision; None without any."""

    as_of: datetime | None
    hour: datetime | None
    revision: int | None


class EventStreams:
    """The open streams of one process.

    *load* returns the market state and the newest data at a market version, None during an outage.
    """

    def __init__(self, version: MarketVersion, load: LoadState) -> None:
        self._version = version
        self._load = load
        self._open: Counter[int] = Counter()  # by caller

    async def respond(self, request: Request, caller: Caller) -> Response:
        """Return the stream that continues after the header Last-Event-ID."""
        read_query(Query, request.scope["query_string"])
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(None, headers=headers, media_type="text/event-stream")
        events = self._events(request.headers.get("last-event-id", ""), id(caller))
        return StreamingResponse(events, headers=headers, media_type="text/event-stream")

    async def _events(self, seen: str, caller: int) -> AsyncIterator[str]:
        if self._open.total() >= _MAX_STREAMS or self._open[caller] >= _MAX_STREAMS_OF_CALLER:
            yield _retry(_NOW_AND_THEN_MS)  # an error would end an EventSource for good
            return
        self._open[caller] += 1
        try:
            async for event in self._follow(seen):
                yield event
        finally:
            self._open[caller] -= 1
            self._open += Counter()  # drops what has come to zero

    async def _follow(self, seen: str) -> AsyncIterator[str]:
        """Yield an event for each change, until the stream's time is over or nothing is expected."""
        end, said_at, version, waits_until = monotonic() + STREAM_SECONDS, monotonic(), None, 0.0
        yield ": StocksALot\n\n"
        while True:
            known = await self._version.get()
            if known is None or known != version:
                loaded = None if known is None else await self._load(known)
                if known is None or loaded is None:
                    yield _retry(_SOON_MS * 10)
                    return
                version, (state, newest) = known, loaded
                for text in _changes(seen, version, state, newest):
                    said_at = monotonic()
                    yield text
                seen = _event_id(version, newest)
                wait_ms, expected = _next_visit(state)
                waits_until = end if expected else 0.0
                yield _retry(wait_ms)
            now = monotonic()
            if now >= waits_until:
                return
            if now - said_at >= _ALIVE_SECONDS:
                said_at = now
                yield ": alive\n\n"
            await asyncio.sleep(_CHECK_SECONDS)


def _next_visit(state: MarketState) -> tuple[int, bool]:
    """Return in how many milliseconds a client that is closed should come back, and whether a bar comes any moment."""
    finished, due = state.last_finished_bar, state.next_due
    if state.lagging and finished is not None:
        session = state.calendar.session_at(finished)
        assert session is not None, "the calendar has the session of its own bar"  # noqa: S101
        late = state.now - state.grace - session.end(HOURLY, finished)
        return (_SOON_MS, True) if late < _OVERDUE else (_NOW_AND_THEN_MS, False)
    if due is None:
        return _LONGEST_MS, False
    wait = due - state.now
    if wait < timedelta(seconds=STREAM_SECONDS):
        return _SOON_MS, True
    spread = random.randrange(_SPREAD_MS)
    return min(int(wait.total_seconds() * 1000) + spread, _LONGEST_MS), False


def _changes(seen: str, version: int, state: MarketState, newest: NewestData) -> list[str]:
    """Return the events that lead from the state *seen* (an id, "" for none) to the newest one.

    A client that loses its connection between the two events has the id of the first alone.
    """
    market, _, insights = seen.partition(".")
    event_id = _event_id(version, newest)
    new_market, _, new_insights = event_id.partition(".")
    events: list[str] = []
    if market != new_market:
        data = {
            "as_of": newest.as_of and rfc3339(newest.as_of),
            "next_update_at": state.next_update_at and rfc3339(state.next_update_at),
        }
        events.append(_event("bars", f"{new_market}.{insights}", data))
    if insights != new_insights and newest.hour is not None:
        events.append(_event("insights", event_id, {"hour": rfc3339(newest.hour), "revision": newest.revision}))
    return events


def _event_id(version: int, newest: NewestData) -> str:
    hour = int(newest.hour.timestamp()) if newest.hour else 0
    return f"{version}.{hour}.{newest.revision or 0}"


def _event(name: str, event_id: str, data: Mapping[str, object]) -> str:
    return f"event: {name}\nid: {event_id}\ndata: {json.dumps(data)}\n\n"


def _retry(milliseconds: int) -> str:
    return f"retry: {milliseconds}\n\n"


async def load_newest(connection: AsyncConnection) -> NewestData:
    """Return the newest data that readers see."""
    cursor = connection.cursor(row_factory=class_row(NewestData))
    await cursor.execute(
        """
        SELECT (SELECT max("end") FROM newest_bars) AS as_of,
               hour.start AS hour,
               hour.revision
          FROM (SELECT 1) AS always
          LEFT JOIN LATERAL (SELECT start, revision
                               FROM insight_hours
                              ORDER BY start DESC, revision DESC
                              LIMIT 1) AS hour ON true
        """
    )
    row = await cursor.fetchone()
    assert row is not None, "a SELECT without a table returns one row"  # noqa: S101
    return row
