"""File server of the page: address to file, content coding, and Cache-Control."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from functions.page.files import BUILD, File, Files
from functions.page.headers import SECURITY, content_codings
from functions.page.settings import Settings
from functions.page.share_tags import with_share_tags
from functions.page.well_known import well_known
from shared.http.public_address import public_address

_STOCK = re.compile(r"/stocks/([A-Za-z][A-Za-z0-9.-]{0,14})")
_HOME = "index.html"
_SHELL = "stocks/_.html"
"""Document of every stock's page: its script reads the ticker from the address."""
_FALLBACK = "200.html"
"""Document of a 404, with a link to the home page."""
_IMMUTABLE = "_app/immutable/"
_YEAR = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"
"""A cache may store it, but must validate it before each use."""


class Site:
    """The build of the page in *folder*."""

    def __init__(self, settings: Settings, folder: Path = BUILD) -> None:
        self._settings = settings
        self._files = Files(folder)

    async def respond(self, request: Request) -> Response:
        """Return the file at the request's path; 404 (as a page for a browser), 405 or 308 where there is none."""
        if request.method not in ("GET", "HEAD"):
            return _text(405, "Method not allowed. Allowed: GET, HEAD.", Allow="GET, HEAD")
        path: str = request.scope["path"]
        if found := well_known(path, self._settings, SECURITY):
            return found
        if file := self._find(path):
            stock = _STOCK.fullmatch(path)
            if file.name == _HOME or (stock and file.name == _SHELL):
                address = public_address(self._settings, dict(request.scope["headers"]))
                file = with_share_tags(file, address, stock[1].upper() if stock else None)
            return _send(file, request, 200, _YEAR if file.name.startswith(_IMMUTABLE) else _REVALIDATE)
        without_slash = path.rstrip("/")
        if without_slash and without_slash != path and self._find(without_slash):
            query = request.url.query
            location = without_slash + (f"?{query}" if query else "")
            return _text(308, "Moved to the address without the slash.", Location=location)
        fallback = self._files.read(_FALLBACK)
        if fallback is None:
            return _text(503, "The page is not built: run `make page`.", **{"Retry-After": "30"})
        if "text/html" in request.headers.get("accept", ""):
            return _send(fallback, request, 404, _REVALIDATE)
        return _text(404, "Not found.")

    def _find(self, path: str) -> File | None:
        """Return the file that *path* (/account) is the address of."""
        name = path.removeprefix("/")
        if not name:
            return self._files.read(_HOME)
        found = self._files.read(name) or self._files.read(f"{name}.html")
        return found or (self._files.read(_SHELL) if _STOCK.fullmatch(path) else None)


def _send(file: File, request: Request, status: int, cached: str) -> Response:
    """Return *file* in the content coding that the request prefers, or 304 for a matching ETag."""
    coding = next(
        (name for name in content_codings(request.headers.get("accept-encoding", "")) if name in file.encoded), ""
    )
    tag = f'"{file.tag}-{coding}"' if coding else f'"{file.tag}"'
    headers = {
        **SECURITY,
        # The meta element of the document has the policy too, but frame-ancestors works only as a header.
        "Content-Security-Policy": f"{file.policy}; frame-ancestors 'none'",
        "Cache-Control": cached,
        "Vary": "Accept-Encoding",
        "ETag": tag,
    }
    if status == 200 and tag in re.findall(r'"[^"]*"', request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if coding:
        headers["Content-Encoding"] = coding
    return Response(file.encoded.get(coding, file.body), status, headers, file.media_type)


def _text(status: int, text: str, **headers: str) -> Response:
    return Response(f"{text}\n", status, {**SECURITY, "Cache-Control": "no-store", **headers}, "text/plain")
