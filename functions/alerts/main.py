"""Alerts: rules of accounts, evaluated when bars and insights are stored, and messages about their firings."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.app import AlertsApp
from functions.alerts.settings import Settings
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_app = AlertsApp(read_settings(Settings))


@functions_framework.aio.http
async def alerts(request: Request) -> Response:
    """Handle an API request or an event."""
    return await _app.respond(request)
