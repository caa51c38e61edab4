"""The page: a plain HTTP function that sends the files of its build."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.page.settings import Settings
from functions.page.site import Site
from shared.auth.address_limiter import AddressLimiter
from shared.http.endpoint import limited_endpoint
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_settings = read_settings(Settings)
_respond = limited_endpoint(Site(_settings).respond, AddressLimiter(_settings))


@functions_framework.aio.http
async def page(request: Request) -> Response:
    """Answer a request for a file of the page, or for an address that the page's script resolves."""
    return await _respond(request)
