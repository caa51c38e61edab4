"""Prepared response: a cached response with its HTTP headers made once, sent plain, gzipped, or as 304."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from starlette.responses import Response

from shared.cache.cached_response import CachedResponse
from shared.http.negotiation import accepts_gzip

_MAX_AGE = 3600
"""Seconds: a bar may be revised before the next one is due, over a weekend for instance."""
_OVERDUE_MAX_AGE = 5
_DEFAULT_MAX_AGE = 60
_STALE_IF_ERROR = 24 * 3600

RawHeaders = list[tuple[bytes, bytes]]


class RawResponse(Response):
    """A response whose headers are bytes already; *raw_headers* is its own list, to be added to."""

    def __init__(self, status: int, raw_headers: RawHeaders, body: bytes) -> None:
        self.status_code = status
        self.raw_headers = raw_headers
        self.body = body
        self.background = None


class CacheScope(Enum):
    """Callers that may share a response: Cache-Control and Vary."""

    ALL = ("public", "Accept, Accept-Encoding")
    ANONYMOUS = ("public", "Accept, Accept-Encoding, Authorization")
    NOBODY = ("private", "Accept, Accept-Encoding, Authorization")


class PreparedResponse:
    """A cached response with headers for the moment *now*."""

    __slots__ = ("_gzip_headers", "_gzip_unchanged", "_headers", "_tags", "_unchanged", "cached", "scope")

    def __init__(self, cached: CachedResponse, now: datetime, scope: CacheScope = CacheScope.ALL) -> None:
        self.cached = cached
        self.scope = scope
        data, (visibility, vary) = cached.data, scope.value
        tag, gzip_tag = f'"{cached.tag}"'.encode(), f'"{cached.tag}-gzip"'.encode()
        self._tags = tag, gzip_tag
        common = [
            (b"cache-control", f"{visibility}, {cache_control(cached, now)}".encode()),
            (b"vary", vary.encode()),
            (b"x-content-type-options", b"nosniff"),
            *((name.lower().encode(), value.encode()) for name, value in data.headers),
        ]
        media_type = (b"content-type", data.media_type.encode())
        self._unchanged = [(b"etag", tag), *common]
        self._headers = [media_type, (b"content-length", b"%d" % len(data.body)), *self._unchanged]
        self._gzip_unchanged = [(b"etag", gzip_tag), *common]
        gzip_length = (b"content-length", b"%d" % len(cached.gzipped or b""))
        self._gzip_headers = [media_type, (b"content-encoding", b"gzip"), gzip_length, *self._gzip_unchanged]

    def response(self, headers: Mapping[bytes, bytes]) -> RawResponse:
        """Return the response to a GET with these request *headers*, without X-Request-ID.

        To HEAD too: the server omits the body.
        """
        gzipped = self.cached.gzipped
        use_gzip = gzipped is not None and b"accept-encoding" in headers and accepts_gzip(headers[b"accept-encoding"])
        known = headers.get(b"if-none-match")
        # Weak comparison, as RFC 9110 has it: a tag contains no quotes, so that it is found wherever it stands.
        if known is not None and (self._tags[use_gzip] in known or known.strip() == b"*"):
            return RawResponse(304, [*(self._gzip_unchanged if use_gzip else self._unchanged)], b"")
        if use_gzip:
            return RawResponse(200, [*self._gzip_headers], gzipped or b"")
        return RawResponse(200, [*self._headers], self.cached.data.body)


def cache_control(cached: CachedResponse, now: datetime) -> str:
    """Return max-age and stale-if-error: a response may be kept until the next bar is due, and briefly after that."""
    data = cached.data
    seconds = data.max_age
    if seconds is None:
        seconds = _DEFAULT_MAX_AGE
        if (update := data.next_update_at) is not None:
            seconds = min(int((update - now).total_seconds()), _MAX_AGE) if now < update else _OVERDUE_MAX_AGE
    if data.valid_until is not None:
        seconds = min(seconds, int((data.valid_until - now).total_seconds()))
    return f"max-age={max(seconds, 1)}, stale-if-error={_STALE_IF_ERROR}"
