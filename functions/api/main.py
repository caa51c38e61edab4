"""Reading API: a plain HTTP function that serves market data from Postgres through its response cache."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.api.app import Api
from functions.api.settings import Settings
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_app = Api(read_settings(Settings))


@functions_framework.aio.http
async def api(request: Request) -> Response:
    """Respond to a request for market data."""
    return await _app.respond(request)
