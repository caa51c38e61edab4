"""CORS by Starlette: pages of other origins may read the responses. Loaded only where CORS_ORIGINS is set."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST")
_REQUEST_HEADERS = ("Authorization", "Content-Type", "If-None-Match", "X-Request-ID", "traceparent")
_RESPONSE_HEADERS = (
    "ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate",
    "X-As-Of", "X-Request-ID", "X-Source", "X-Stale",
)  # fmt: skip


def allow_origins(app: ASGIApp, origins: str) -> ASGIApp:
    """Return *app* with CORS headers for *origins*: comma separated, `*` for all."""
    return CORSMiddleware(
        app,
        allow_origins=[origin.strip() for origin in origins.split(",") if origin.strip()],
        allow_methods=_METHODS,
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=86400,
    )
