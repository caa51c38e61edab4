"""The data for AI assistants: the Model Context Protocol over HTTP, a thin face of the public functions.

Its imports take longer than those of all other functions together, so it is one of its own and sleeps like them.
"""

import logging

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.mcp.face import Face
from functions.mcp.settings import Settings
from shared.http.endpoint import handle_problems
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
# They tell of each message, and name no one.
for chatty in ("httpx2", "mcp.server.streamable_http", "mcp.server.streamable_http_manager"):
    logging.getLogger(chatty).setLevel(logging.WARNING)
_face = Face(read_settings(Settings))


@functions_framework.aio.http
@handle_problems
async def mcp(request: Request) -> Response:
    """Answer a message of the protocol."""
    return await _face.answer(request)
