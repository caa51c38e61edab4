"""Index at /, and the generated files /openapi.json and /docs (`python -m functions.contract` writes them)."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from hashlib import sha256
from pathlib import Path

from functions.api.routes import ENDPOINTS
from shared.cache.cached_response import CachedResponse, PreparedResponse
from shared.http.response_data import ResponseData, json_body
from shared.runtime import clock

_FOLDER = Path(__file__).parent
_MAX_AGE = 300
_INLINE = {name: re.compile(rb"<%b>(.*?)</%b>" % (name, name), re.DOTALL) for name in (b"style", b"script")}


def _index() -> ResponseData:
    """Return the response to `/`: the endpoints, with addresses relative to it."""
    items = [
        {
            "href": endpoint.path[1:],
            "summary": endpoint.summary,
            "parameters": {field.name: field.metadata["description"] for field in fields(endpoint.query)},
        }
        for endpoint in ENDPOINTS
    ]
    about = {
        "name": "StocksALot",
        "as_of": "In market answers, the end of the newest bar in them.",
        "source": "In market answers, where the bars come from: a name, or mixed; sources lists them all.",
        "stale": "True when the database does not respond, so that the response may be outdated.",
        "times": "RFC 3339, UTC. A bar is named by its start. A window is half-open: end is outside. A date is a day "
        "in New York.",
        "numbers": "Exactly as stored: read prices as decimals.",
    }
    return ResponseData(json_body({"count": len(items), "about": about, "items": items}), max_age=300)


def _document() -> ResponseData:
    return ResponseData((_FOLDER / "openapi.json").read_bytes(), max_age=_MAX_AGE)


def _page() -> ResponseData:
    """Return the page. It loads nothing: the policy allows its own style and script by their hashes."""
    body = (_FOLDER / "docs.html").read_bytes()
    policy = (
        f"default-src 'none'; style-src {_hash(b'style', body)}; script-src {_hash(b'script', body)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (
        ("Content-Security-Policy", policy),
        ("Referrer-Policy", "no-referrer"),
    )
    return ResponseData(body, "text/html; charset=utf-8", max_age=_MAX_AGE, headers=headers)


def _hash(name: bytes, body: bytes) -> str:
    """Source expression of the page's one inline element *name*."""
    (content,) = _INLINE[name].findall(body)
    return f"'sha256-{b64encode(sha256(content).digest()).decode()}'"


PAGES: dict[str, Callable[[], ResponseData]] = {"/": _index, "/openapi.json": _document, "/docs": _page}
"""Paths that need no data."""


@cache
def page(path: str) -> PreparedResponse:
    """Return the response at *path*, one of `PAGES`; prepared at the first request."""
    return PreparedResponse(CachedResponse(PAGES[path](), None), clock.now())
