"""File server of the page: address to file, content coding, and Cache-Control."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from functions.page.files import BUILD, File, Files
from functions.page.headers import SECURITY, packings

_STOCK = re.compile(r"/stocks/[A-Za-z0-9.-]{1,15}")
_SHELL = "stocks/_.html"
"""The one file for all stocks: in the browser it looks at its address."""
_FALLBACK = "200.html"
"""Says in the browser that there is nothing, with a way back."""
_IMMUTABLE = "_app/immutable/"
_YEAR = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
"""It may be kept, but not shown without asking whether it still holds."""


class Site:
    """The build of the page in *folder*."""

    def __init__(self, folder: Path = BUILD) -> None:
        self._files = Files(folder)

    async def answer(self, request: Request) -> Response:
        """Return the file at the request's path; 404 (as a page, to those who want one), 405 or 308 where none is."""
        if request.method not in ("GET", "HEAD"):
            return _text(405, "Only GET and HEAD.", Allow="GET, HEAD")
        path: str = request.scope["path"]
        if file := self._find(path):
            return _send(file, request, 200, _YEAR if file.name.startswith(_IMMUTABLE) else _ASK_AGAIN)
        if path.endswith("/") and self._find(path.rstrip("/")):
            query = request.url.query
            location = path.rstrip("/") + (f"?{query}" if query else "")
            return _text(308, "It is here without the slash.", Location=location)
        fallback = self._files.read(_FALLBACK)
        if fallback is None:
            return _text(503, "The page is not built: run `make page`.", **{"Retry-After": "30"})
        if "text/html" in request.headers.get("accept", ""):
            return _send(fallback, request, 404, _ASK_AGAIN)
        return _text(404, "Nothing is here.")

    def _find(self, path: str) -> File | None:
        """Return the file that *path* (/account) is the address of."""
        name = path.removeprefix("/")
        if not name:
            return self._files.read("index.html")
        found = self._files.read(name) or self._files.read(f"{name}.html")
        return found or (self._files.read(_SHELL) if _STOCK.fullmatch(path) else None)


def _send(file: File, request: Request, status: int, cached: str) -> Response:
    """Return *file* as the request wants it packed, or 304 when it has it."""
    packing = next((name for name in packings(request.headers.get("accept-encoding", "")) if name in file.packed), "")
    tag = f'"{file.tag}-{packing}"' if packing else f'"{file.tag}"'
    headers = {
        **SECURITY,
        # In the document itself, where the build writes it too, a policy cannot speak of frames.
        "Content-Security-Policy": f"{file.policy}; frame-ancestors 'none'",
        "Cache-Control": cached,
        "Vary": "Accept-Encoding",
        "ETag": tag,
    }
    if status == 200 and tag in re.findall(r'"[^"]*"', request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if packing:
        headers["Content-Encoding"] = packing
    return Response(file.packed.get(packing, file.body), status, headers, file.media_type)


def _text(status: int, text: str, **headers: str) -> Response:
    return Response(f"{text}\n", status, {**SECURITY, "Cache-Control": "no-store", **headers}, "text/plain")
