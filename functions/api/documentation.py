"""What api says of itself: /, and the files /openapi.json and /docs, which `python -m functions.contract` has made."""

import re
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from functions.api.routes import directory
from shared.http.prepared_response import PreparedResponse
from shared.http.response_data import CachedResponse, ResponseData
from shared.runtime import clock

_FOLDER = Path(__file__).parent
_MAX_AGE = 300
_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


def _document() -> ResponseData:
    return ResponseData((_FOLDER / "openapi.json").read_bytes(), max_age=_MAX_AGE)


def _page() -> ResponseData:
    """Return the page, which may load nothing: its one style element is known by its hash."""
    body = (_FOLDER / "docs.html").read_bytes()
    hashes = " ".join(f"'sha256-{b64encode(sha256(style).digest()).decode()}'" for style in _STYLE.findall(body))
    policy = (
        f"default-src 'none'; style-src {hashes}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    )
    return ResponseData(body, "text/html; charset=utf-8", max_age=_MAX_AGE, headers=headers)


PAGES: dict[str, Callable[[], ResponseData]] = {"/": directory, "/openapi.json": _document, "/docs": _page}
"""The paths that need no data."""


@cache
def page(path: str) -> PreparedResponse:
    """Return what is answered at *path*, one of `PAGES`; made when first asked for."""
    return PreparedResponse(CachedResponse(PAGES[path](), None), clock.now())
