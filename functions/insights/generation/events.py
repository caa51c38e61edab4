"""Event handler: write due hours by the rules, or rewrite one with a model, and reply with insights.written."""

import logging

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.insights.generation.write import WriteResult, write_due
from functions.insights.settings import Settings
from shared.cache.market_version import NAME as VERSION
from shared.cache.market_version import publish_market_version
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.events.cloudevents import Received, receive, reply
from shared.events.types import TICK, BarsStored, EventError, InsightsWritten
from shared.http.endpoint import Handler, handle_problems
from shared.http.problem import Problem

_logger = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 58
"""For writing by the rules: less than the Trigger waits."""
_FOR_MODEL = {"words": "wanted"}
"""Extension attribute of the event that asks for a model's words: a Trigger brings it back here."""


class EventHandler:
    """Handles events; one at a time writes hours, and those that arrive meanwhile make it check again."""

    def __init__(self, settings: Settings, postgres: PostgresClient, redis: RedisClient) -> None:
        self._settings = settings
        self._postgres = postgres
        self._redis = redis
        self._working = False
        self._waiting: set[str] = set()
        self.handle: Handler = handle_problems(self._handle)

    async def _handle(self, request: Request) -> Response:
        """Respond 200 with the event of the written hours, 204 if nothing was due, 5xx for a retry."""
        if request.method != "POST":
            detail = "Send events with POST."
            raise Problem(405, "method-not-allowed", "Method not allowed", detail, headers={"Allow": "POST"})
        event = await receive(request)
        if event.type == InsightsWritten.TYPE:
            return await self._reply(await self._word(event))
        if event.type not in (TICK, BarsStored.TYPE):
            _logger.warning("ignored an unexpected event type %s: check the filter of its Trigger", event.type)
            return Response(status_code=204)
        self._waiting.add(event.type)
        if self._working:
            return Response(status_code=204)
        self._working = True
        try:
            written = await self._write()
        finally:
            self._working = False
        return await self._reply(written)

    async def _write(self) -> WriteResult:
        """Write until no event is waiting."""
        written = WriteResult()
        while self._waiting:
            at_deadline = TICK in self._waiting
            self._waiting.clear()

            async def work(connection: AsyncConnection, at_deadline: bool = at_deadline) -> None:
                await write_due(connection, self._settings, written, at_deadline=at_deadline)

            await self._postgres.run(work, _TIMEOUT_SECONDS)
        return written

    async def _word(self, event: Received) -> WriteResult:
        """Request sentences for the hour of *event* from the model, if one is configured."""
        written = WriteResult()
        try:
            end = InsightsWritten.from_json(event.data).as_of
        except EventError as error:
            _logger.warning("ignored an unreadable %s: %s", event.type, error)
            return written
        if self._settings.has_model:
            # The SDK takes longer to load than all else together: only when it is needed.
            from functions.insights.generation.model_revision import write_model_revision

            await write_model_revision(self._postgres, self._settings, end, written)
        return written

    async def _reply(self, written: WriteResult) -> Response:
        if written.event is None:
            return Response(status_code=204)
        await self._publish_version(written)
        extensions = _FOR_MODEL if written.for_model else None
        return reply(written.event, source="insights", event_id=written.event_id, extensions=extensions)

    async def _publish_version(self, written: WriteResult) -> None:
        """Publish the market version; without Redis readers see it within five seconds."""
        epoch = written.epoch
        if epoch is None:
            return
        try:
            await self._redis.run(lambda client: publish_market_version(client, self._redis.key(VERSION), epoch))
        except UnavailableError as error:
            _logger.warning("could not publish the market version: %s", error)
