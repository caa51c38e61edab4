"""Application of insights: readers at /insights, events at /events."""

from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from functions.insights.reading.endpoint import InsightsEndpoint
from functions.insights.settings import Settings
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient

if TYPE_CHECKING:
    from functions.insights.generation.events import EventHandler

EVENTS = "/events"
"""Path for events. The public route leads to /insights and what is below it, nowhere else."""


class InsightsApp:
    """State of one process; both halves are made when their first request arrives."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._postgres = PostgresClient(settings)
        self._redis = RedisClient(settings, self._postgres)

    async def respond(self, request: Request) -> Response:
        """Return the response to a reader or to an event."""
        if request.url.path.rstrip("/") != EVENTS:
            return await self._endpoint.answer(request)
        return await self._event_handler.handle(request)

    @cached_property
    def _endpoint(self) -> InsightsEndpoint:
        return InsightsEndpoint(self._settings, self._postgres, self._redis)

    @cached_property
    def _event_handler(self) -> "EventHandler":
        # Loaded late: a reader's cold start must not wait for it.
        from functions.insights.generation.events import EventHandler

        return EventHandler(self._settings, self._postgres, self._redis)
