"""Insights: sentences about the bars of an hour, each figure with its bars; events write them, readers get them."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.insights.app import InsightsApp
from functions.insights.settings import Settings
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_app = InsightsApp(read_settings(Settings))


@functions_framework.aio.http
async def insights(request: Request) -> Response:
    """Respond to a reader or to an event."""
    return await _app.respond(request)
