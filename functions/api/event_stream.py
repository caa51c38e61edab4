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
from shared.auth.authenticator import ALERTS, Caller
from shared.cache.market_version import MarketVersion
from shared.http.query import read_query
from shared.http.response_data import rfc3339

STREAM_SECONDS = 45
"""Less than the timeout of a request in the cluster (knative/base/api.yaml)."""
_CHECK_SECONDS = 0.5
_ALERTS_SECONDS = 2.0
"""An alert does not raise the market version: it is looked for by a query."""
_ALIVE_SECONDS = 15
"""Proxies close a connection on which nothing is sent."""
_OVERDUE_SECONDS = 900
"""A bar that is this late is waited for by asking now and then."""
_FOLLOWED_SECONDS = 120
"""Insights and alerts come this soon after the bars of their hour were due."""
_SOON_MS, _NOW_AND_THEN_MS, _LONGEST_MS = 1_000, 300_000, 3_600_000
_SPREAD_MS = 3_000
"""All clients get the same instant; they come back within this time after it."""
_MAX_STREAMS, _MAX_STREAMS_OF_CALLER = 200, 10

LoadState = Callable[[int, str | None], Awaitable[tuple[MarketState, "NewestData"] | None]]


@dataclass(frozen=True, slots=True)
class NewestData:
    """End of the newest bar, the newest hour that has insights, the caller's newest alert; None without any."""

    as_of: datetime | None
    hour: datetime | None
    revision: int | None
    fired_at: datetime | None


class EventStreams:
    """The open streams of one process.

    *load* returns the market state and the newest data at a market version, with the alerts of an account (its id, or
    None), and None during an outage. *is_valid* returns whether the token of a caller is still valid: once it is
    revoked, nothing of its account is sent.
    """

    def __init__(self, version: MarketVersion, load: LoadState, is_valid: Callable[[Caller], Awaitable[bool]]) -> None:
        self._version = version
        self._is_valid = is_valid
        self._load = load
        self._open: Counter[str] = Counter()  # by account, or by caller

    async def respond(self, request: Request, caller: Caller) -> Response:
        """Return the stream that continues after the header Last-Event-ID."""
        read_query(Query, request.scope["query_string"])
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(None, headers=headers, media_type="text/event-stream")
        events = self._events(request.headers.get("last-event-id", ""), caller)
        return StreamingResponse(events, headers=headers, media_type="text/event-stream")

    async def _events(self, seen: str, caller: Caller) -> AsyncIterator[str]:
        key = caller.principal.user_id if caller.principal else str(id(caller))
        if self._open.total() >= _MAX_STREAMS or self._open[key] >= _MAX_STREAMS_OF_CALLER:
            yield _retry(_NOW_AND_THEN_MS)  # an error would end an EventSource for good
            return
        self._open[key] += 1
        try:
            account = caller.principal.user_id if caller.principal and caller.has_scope(ALERTS) else None
            async for event in self._follow(seen, account):
                if account and not await self._is_valid(caller):
                    return
                yield event
        finally:
            self._open[key] -= 1
            self._open += Counter()  # drops what has come to zero

    async def _follow(self, seen: str, account: str | None) -> AsyncIterator[str]:
        """Yield an event for each change, until the stream's time is over or nothing is expected."""
        end, said_at, version, waits_until, load_at = monotonic() + STREAM_SECONDS, monotonic(), None, 0.0, 0.0
        yield ": StocksALot\n\n"
        while True:
            known = await self._version.get()
            if known is None or known != version or (account and monotonic() >= load_at):
                load_at = monotonic() + _ALERTS_SECONDS
                loaded = None if known is None else await self._load(known, account)
                if known is None or loaded is None:
                    yield _retry(_SOON_MS * 10)
                    return
                state, newest = loaded
                for text in _changes(seen, known, state, newest):
                    said_at = monotonic()
                    yield text
                seen = ".".join(_state_of(known, newest))
                if known != version:
                    wait_ms, expected = _next_visit(state)
                    waits_until = end if expected else 0.0
                    yield _retry(wait_ms)
                version = known
            now = monotonic()
            if now >= waits_until:
                return
            if now - said_at >= _ALIVE_SECONDS:
                said_at = now
                yield ": alive\n\n"
            await asyncio.sleep(_CHECK_SECONDS)


def _next_visit(state: MarketState) -> tuple[int, bool]:
    """Return after how many milliseconds a client should come back, and whether something may come at any moment."""
    finished, due = state.last_finished_bar, state.next_due
    wait = due - state.now if due else None
    if wait and wait < timedelta(seconds=STREAM_SECONDS):
        return _SOON_MS, True
    longest = _LONGEST_MS
    if finished is not None:
        session = state.calendar.session_at(finished)
        assert session is not None, "the calendar has the session of its own bar"  # noqa: S101
        late = state.now - state.grace - session.end(HOURLY, finished)
        if late.total_seconds() < (_OVERDUE_SECONDS if state.behind else _FOLLOWED_SECONDS):
            return _SOON_MS, True
        if state.behind:
            longest = _NOW_AND_THEN_MS
    if wait is None:
        return longest, False
    spread = random.randrange(_SPREAD_MS)
    return min(int(wait.total_seconds() * 1000) + spread, longest), False


def _changes(seen: str, version: int, state: MarketState, newest: NewestData) -> list[str]:
    """Return the events that lead from the state *seen* (an id, "" for none) to the newest one.

    The id of each has the new state up to it: a client that loses its connection between two receives the second later.
    """
    old, new = (seen.split(".") + [""] * 3)[:3], _state_of(version, newest)
    data: list[tuple[str, dict[str, object] | None]] = [
        (
            "bars",
            {
                "as_of": newest.as_of and rfc3339(newest.as_of),
                "next_update_at": state.next_update_at and rfc3339(state.next_update_at),
            },
        ),
        ("insights", newest.hour and {"hour": rfc3339(newest.hour), "revision": newest.revision}),
        ("alerts", newest.fired_at and {"fired_at": rfc3339(newest.fired_at)}),
    ]
    events: list[str] = []
    for index, (name, members) in enumerate(data):
        # A rule that is deleted takes its alerts with it: then the newest one is older, and nothing is new.
        changed = old[index] != new[index] and (name != "alerts" or new[index] > old[index])
        if changed and members is not None:
            events.append(_event(name, ".".join([*new[: index + 1], *old[index + 1 :]]), members))
    return events


def _state_of(version: int, newest: NewestData) -> list[str]:
    """Return the parts of an event's id: market version, hour and revision of insights, instant of the newest alert."""
    hour = f"{newest.hour.timestamp():.0f}-{newest.revision}" if newest.hour else ""
    return [f"{version}", hour, f"{newest.fired_at.timestamp() * 1000:.0f}" if newest.fired_at else ""]


def _event(name: str, event_id: str, data: Mapping[str, object]) -> str:
    return f"event: {name}\nid: {event_id}\ndata: {json.dumps(data)}\n\n"


def _retry(milliseconds: int) -> str:
    return f"retry: {milliseconds}\n\n"


async def load_newest(connection: AsyncConnection, account: str | None) -> NewestData:
    """Return the newest data that readers see, and the newest alert of an account."""
    cursor = connection.cursor(row_factory=class_row(NewestData))
    await cursor.execute(
        """
        SELECT (SELECT max("end") FROM newest_bars) AS as_of,
               hour.start AS hour,
               hour.revision,
               (SELECT max(fired_at) FROM alert_firings WHERE user_id = %(account)s) AS fired_at
          FROM (SELECT 1) AS always
          LEFT JOIN LATERAL (SELECT start, revision
                               FROM insight_hours
                              ORDER BY start DESC, revision DESC
                              LIMIT 1) AS hour ON true
        """,
        {"account": account},
    )
    row = await cursor.fetchone()
    assert row is not None, "a SELECT without a table returns one row"  # noqa: S101
    return row
