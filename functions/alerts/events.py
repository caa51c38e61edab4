"""Event handler: evaluate rules when bars or insights are stored and at ticks, and deliver the messages of firings.

Evaluation commits rows and replies with alerts.fired, which the broker sends back to this function: only then are
messages sent. Rows of a process that dies in between are found when the event is repeated, or by the next one.
"""

import logging
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.delivery.queries import is_pending
from functions.alerts.delivery.sending import Sender
from functions.alerts.evaluation.bars import LATE, evaluate_bars
from functions.alerts.evaluation.insights import evaluate_insights
from functions.alerts.evaluation.missing import evaluate_missing
from functions.alerts.evaluation.results import lock_evaluation, store_results
from functions.alerts.settings import Settings
from shared.connections.postgres import PostgresClient
from shared.events.cloudevents import Received, receive, reply
from shared.events.types import TICK, AlertsFired, BarsStored, EventError, InsightsWritten
from shared.http.endpoint import Handler, handle_problems
from shared.http.problem import Problem
from shared.runtime import clock

_logger = logging.getLogger(__name__)
_EVALUATION_SECONDS = 55
"""Below the timeout of the Triggers."""
_SENDING_SECONDS = 40
_FOR_DELIVERY = {"delivery": "wanted"}
"""Extension attribute of the event that asks for delivery, by which a Trigger sends it back to this function."""


class EventHandler:
    """Handles events."""

    def __init__(self, settings: Settings, postgres: PostgresClient) -> None:
        self._settings = settings
        self._postgres = postgres
        self._sender = Sender(settings, postgres)
        self.handle: Handler = handle_problems(self._handle)

    async def _handle(self, request: Request) -> Response:
        """Answer 200 with an event when messages are due, 204 when none are, 5xx for a retry."""
        if request.method != "POST":
            detail = "Send events with POST."
            raise Problem(405, "method-not-allowed", "Method not allowed", detail, headers={"Allow": "POST"})
        event = await receive(request)
        try:
            return await self._take(event)
        except EventError as error:
            _logger.warning("ignored an unreadable %s: %s", event.type, error)
            return Response(status_code=204)

    async def _take(self, event: Received) -> Response:
        if event.type == AlertsFired.TYPE:
            return await self._deliver(AlertsFired.from_json(event.data))
        if event.type == BarsStored.TYPE:
            stored = BarsStored.from_json(event.data)
            return await self._evaluate(event, stored)
        if event.type == InsightsWritten.TYPE:
            InsightsWritten.from_json(event.data)
            return await self._evaluate(event, None)
        if event.type == TICK:
            return await self._evaluate(event, None, everything=True)
        _logger.warning("ignored an unexpected event type %s: check the filter of its Trigger", event.type)
        return Response(status_code=204)

    async def _evaluate(self, event: Received, stored: BarsStored | None, *, everything: bool = False) -> Response:
        """Evaluate the rules that *event* concerns, or *everything* of the last days; reply when messages are due."""

        async def work(connection: AsyncConnection) -> tuple[int, datetime | None]:
            async with connection.transaction():
                await lock_evaluation(connection)
                # Read after the wait, so that no firing is dated before those of a process that held the lock.
                now, count = clock.now(), 0
                if everything or (stored and stored.first and stored.interval == "1h"):
                    tickers, first = (stored.tickers, stored.first) if stored else (None, None)
                    results = await evaluate_bars(connection, tickers, first or now - LATE, now, self._settings.grace)
                    count += await store_results(connection, results, now)
                if stored or everything:
                    results = await evaluate_missing(connection, now, self._settings.missing_after)
                    count += await store_results(connection, results, now)
                if not stored:
                    results = await evaluate_insights(connection, now - LATE, now)
                    count += await store_results(connection, results, now)
            return count, await _due_before(connection)

        count, before = await self._postgres.run(work, _EVALUATION_SECONDS)
        if count:
            _logger.info("%s: %d firings and corrections", event.type, count)
        if before is None:
            return Response(status_code=204)
        fired = AlertsFired(before=before)
        return reply(fired, source="alerts", event_id=f"fired:{event.id}", extensions=_FOR_DELIVERY)

    async def _deliver(self, fired: AlertsFired) -> Response:
        """Send due messages; Problem 503 while some of *fired* await a retry; the broker then repeats the event."""
        await self._sender.send_due(_SENDING_SECONDS)
        if await self._sender.awaits_retry(fired.before):
            detail = "Some messages are still waiting for a retry."
            raise Problem(503, "busy", "Busy", detail, headers={"Retry-After": "2"})
        return Response(status_code=204)


async def _due_before(connection: AsyncConnection) -> datetime | None:
    """Return the time of the database if messages are due, else None."""
    if not await is_pending(connection, 0, None, None):
        return None
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute("SELECT clock_timestamp()")
    return await cursor.fetchone()
