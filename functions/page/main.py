"""The page: a plain HTTP function that sends the files of its build."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.page.site import Site
from shared.http.endpoint import handle_problems
from shared.runtime import log

log.configure()
_site = handle_problems(Site().answer)


@functions_framework.aio.http
async def page(request: Request) -> Response:
    """Answer a request for a file of the page, or for an address that the page itself makes sense of."""
    return await _site(request)
