"""Files: the stored bars of each month as one Parquet file, built on request when its bars have changed."""

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.files.app import FilesApp
from functions.files.settings import Settings
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_app = FilesApp(read_settings(Settings))


@functions_framework.aio.http
async def files(request: Request) -> Response:
    """Respond to a request for a file or for the list of them."""
    return await _app.respond(request)
