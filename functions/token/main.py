"""Accounts and API tokens: a plain HTTP function, the only writer of the tables of users and tokens."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.token.app import make_handler
from functions.token.settings import Settings
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_respond = make_handler(read_settings(Settings))


@functions_framework.aio.http
async def token(request: Request) -> Response:
    """Handle a request for registration, login, tokens, links or lists."""
    return await _respond(request)
