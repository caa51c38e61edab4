"""Insights: what the bars of an hour say, every figure of it checkable; written by events, read by everybody."""

from functools import cache
from typing import TYPE_CHECKING

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.insights.read import Reading
from functions.insights.settings import Settings
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.runtime import log
from shared.runtime.settings import read_settings

if TYPE_CHECKING:
    from functions.insights.take import Desk

EVENTS = "/events"
"""Where events are taken. The public route leads to /insights and nowhere else."""

log.configure()
_settings = read_settings(Settings)
_postgres, _redis = PostgresClient(_settings), RedisClient(_settings)
_reading = cache(lambda: Reading(_settings, _postgres, _redis))


@functions_framework.aio.http
async def insights(request: Request) -> Response:
    """Answer a reader, or take an event."""
    if request.url.path.rstrip("/") != EVENTS:
        return await _reading().answer(request)
    return await _desk().take(request)


@cache
def _desk() -> "Desk":
    """Return where events come in: loaded for the first of them, as a reader's cold start must not wait for it."""
    from functions.insights.take import Desk

    return Desk(_settings, _postgres, _redis)
