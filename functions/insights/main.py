"""Insights: sentences about the bars of an hour, each figure with its bars; written by events, read by everybody."""

from functools import cache
from typing import TYPE_CHECKING

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.insights.reading.endpoint import InsightsEndpoint
from functions.insights.settings import Settings
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.runtime import log
from shared.runtime.settings import read_settings

if TYPE_CHECKING:
    from functions.insights.generation.events import EventHandler

EVENTS = "/events"
"""Path for events. The public route leads to /insights and nowhere else."""

log.configure()
_settings = read_settings(Settings)
_postgres = PostgresClient(_settings)
_redis = RedisClient(_settings, _postgres)
_endpoint = cache(lambda: InsightsEndpoint(_settings, _postgres, _redis))


@functions_framework.aio.http
async def insights(request: Request) -> Response:
    """Answer a reader, or take an event."""
    if request.url.path.rstrip("/") != EVENTS:
        return await _endpoint().answer(request)
    return await _event_handler().handle(request)


@cache
def _event_handler() -> "EventHandler":
    """Return the event handler, loaded with the first event: a reader's cold start must not wait for it."""
    from functions.insights.generation.events import EventHandler

    return EventHandler(_settings, _postgres, _redis)
