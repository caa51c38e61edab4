"""Which pages of other origins may read the answers (CORS), as the configuration says."""

from collections.abc import Sequence

from starlette.responses import Response

RawHeaders = list[tuple[bytes, bytes]]

READING = "GET, HEAD, OPTIONS"
"""The methods of a path that is only read."""
_EXPOSED = (
    b"ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
    b"X-As-Of, X-Request-ID, X-Source, X-Stale"
)
_ACCEPTED = "Authorization, Content-Type, If-None-Match, X-Request-ID, traceparent"


class Cors:
    """The origins that may read; false when there are none."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._all = "*" in origins
        self._origins = {origin.encode("latin-1", "replace") for origin in origins}

    def __bool__(self) -> bool:
        """Tell whether anything is to be added to answers."""
        return bool(self._origins)

    def lines(self, origin: bytes | None) -> RawHeaders:
        """Return the header lines that let a page of *origin* read an answer."""
        if self._all:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED)]
        vary = (b"vary", b"Origin")
        if origin not in self._origins or origin is None:
            return [vary]
        return [vary, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED)]


def preflight(methods: str = READING) -> Response:
    """Return the answer to OPTIONS: by which of *methods*, and with which headers, may be asked."""
    return Response(
        None,
        204,
        {
            "Allow": methods,
            "Access-Control-Allow-Methods": methods,
            "Access-Control-Allow-Headers": _ACCEPTED,
            "Access-Control-Max-Age": "86400",
        },
    )
