"""An event says that an hour may be due: look, write, and reply with what was written."""

import logging

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.insights.settings import Settings
from functions.insights.write import Written, write_due
from shared.cache.market_version import publish_epoch
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.events.cloudevents import receive, reply
from shared.events.types import TICK, BarsStored
from shared.http.endpoint import Handler, handle_problems
from shared.http.problem import Problem

_logger = logging.getLogger(__name__)
_PATIENCE_SECONDS = 58
"""Less than the function is given: by then a model has been given up for long."""


class Desk:
    """Where events come in: one is worked on, and those that come meanwhile have it look again when it is done."""

    def __init__(self, settings: Settings, postgres: PostgresClient, redis: RedisClient) -> None:
        self._settings = settings
        self._postgres = postgres
        self._redis = redis
        self._working = False
        self._waiting: set[str] = set()
        self.take: Handler = handle_problems(self._take)

    async def _take(self, request: Request) -> Response:
        """Answer 200 with the event of what was written, 204 when nothing was due, 5xx for "try again"."""
        if request.method != "POST":
            what = "Events come by POST."
            raise Problem(405, "method-not-allowed", "Method not allowed", what, headers={"Allow": "POST"})
        event = await receive(request)
        if event.type not in (TICK, BarsStored.TYPE):
            _logger.warning("took in a %s, which a Trigger should not have sent here", event.type)
            return Response(status_code=204)
        self._waiting.add(event.type)
        if self._working:
            return Response(status_code=204)
        self._working = True
        try:
            written = await self._work()
        finally:
            self._working = False
        if written.event is None:
            return Response(status_code=204)
        await self._tell_readers(written)
        return reply(written.event, source="insights", event_id=written.event_id)

    async def _work(self) -> Written:
        """Write until no event is waiting, and return what came of it."""
        written = Written()
        while self._waiting:
            deadline = TICK in self._waiting
            self._waiting.clear()

            async def work(connection: AsyncConnection, deadline: bool = deadline) -> None:
                await write_due(connection, self._settings, written, deadline=deadline)

            await self._postgres.run(work, _PATIENCE_SECONDS)
        return written

    async def _tell_readers(self, written: Written) -> None:
        """Publish the epoch; without Redis readers find out by themselves within seconds."""
        epoch = written.epoch
        if epoch is None:
            return
        try:
            await self._redis.run(lambda client: publish_epoch(client, epoch))
        except UnavailableError as error:
            _logger.warning("could not publish the market epoch: %s", error)
