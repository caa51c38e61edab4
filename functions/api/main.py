"""The public reading API: a plain HTTP function that answers from Postgres through Redis."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.api.service import Service
from functions.api.settings import Settings
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_service = Service(read_settings(Settings))


@functions_framework.aio.http
async def api(request: Request) -> Response:
    """Answer a request for market data."""
    return await _service.answer(request)
