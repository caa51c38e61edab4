"""Function mcp: the public data for AI assistants, over the Model Context Protocol (streamable HTTP).

It is a function of its own because its imports take longer than those of all other functions together.
"""

import logging

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.mcp.endpoint import McpEndpoint
from functions.mcp.settings import Settings
from shared.auth.address_limiter import AddressLimiter
from shared.http.endpoint import limited_endpoint
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
# They log every message.
for verbose in ("httpx2", "mcp.server.streamable_http", "mcp.server.streamable_http_manager"):
    logging.getLogger(verbose).setLevel(logging.WARNING)
_settings = read_settings(Settings)
_respond = limited_endpoint(McpEndpoint(_settings).respond, AddressLimiter(_settings))


@functions_framework.aio.http
async def mcp(request: Request) -> Response:
    """Handle a message of the protocol."""
    return await _respond(request)
