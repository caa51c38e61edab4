"""CORS by Starlette: permission for pages of other origins to read responses."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

_READING = {
    **dict.fromkeys(("api", "files", "insights"), ("GET", "HEAD", "OPTIONS")),
    "mcp": ("OPTIONS", "POST"),
}
"""Functions whose public data every page may read unless CORS_ORIGINS narrows it, and the methods for that."""
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST")
_REQUEST_HEADERS = (
    "Content-Type", "If-None-Match", "If-Range", "Mcp-Protocol-Version", "Range", "X-Request-ID", "traceparent",
)  # fmt: skip
_RESPONSE_HEADERS = (
    "Accept-Ranges", "Content-Range", "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After",
    "WWW-Authenticate", "X-As-Of", "X-Reason", "X-Request-ID", "X-Source", "X-Stale",
)  # fmt: skip


def allow_origins(app: ASGIApp, function: str, origins: str) -> ASGIApp:
    """Return *app* with CORS headers for *origins*: comma separated, `*` for all, empty for the default of *function*.

    By default pages send no token; only listed origins may send one.
    """
    named = [origin.strip() for origin in origins.split(",") if origin.strip()]
    if not named and function not in _READING:
        return app
    return CORSMiddleware(
        app,
        allow_origins=named or ["*"],
        allow_methods=_METHODS if named else _READING[function],
        allow_headers=(*_REQUEST_HEADERS, "Authorization") if named else _REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=86400,
    )
