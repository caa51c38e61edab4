"""Cached response: response data with its entity tag and gzip form, and the HTTP response prepared from it."""

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b

from starlette.responses import Response

from shared.http.negotiation import accepts_gzip
from shared.http.response_data import ResponseData
from shared.runtime import clock

_MIN_GZIP_BYTES = 1024
_FRESH = b'"stale":false'
_STALE = b'"stale":true'
_MAX_AGE = 3600
"""Seconds: a bar may be revised before the next one is due, over a weekend for instance."""
_OVERDUE_MAX_AGE = 5
_DEFAULT_MAX_AGE = 60
_STALE_IF_ERROR = 24 * 3600
_CLOCK_SKEW = timedelta(seconds=2)
"""Tolerance between the clocks of copies, which share responses in Redis."""

RawHeaders = list[tuple[bytes, bytes]]


class CachedResponse:
    """Response data in the form that caches store; *version* None: stale, or independent of market data."""

    __slots__ = ("data", "gzipped", "made_at", "size", "tag", "version")

    def __init__(
        self, data: ResponseData, version: int | None, gzipped: bytes | None = None, made_at: datetime | None = None
    ) -> None:
        self.data = data
        self.made_at = made_at or clock.now()
        self.version = version
        self.tag = blake2b(data.body, digest_size=16).hexdigest()
        worth = len(data.body) > _MIN_GZIP_BYTES
        self.gzipped = gzipped or (zlib.compress(data.body, 6, wbits=31) if worth else None)
        self.size = len(data.body) + len(self.gzipped or b"") + 500
        """Approximate bytes in memory."""

    def is_valid(self, version: int | None, now: datetime) -> bool:
        """Return whether neither the data nor the clock have changed the response; a clock may also be set back."""
        if version is None or self.version != version or self.made_at - now > _CLOCK_SKEW:
            return False
        until = self.data.valid_until
        return until is None or now < until

    def as_stale(self) -> "CachedResponse":
        """Return a copy marked stale, for when the database cannot confirm it."""
        body = self.data.body.replace(_FRESH, _STALE, 1)
        headers = (*self.data.headers, ("X-Stale", "true"))
        return CachedResponse(replace(self.data, body=body, next_update_at=None, max_age=5, headers=headers), None)

    def to_bytes(self) -> bytes:
        """Return it serialized: length of the description, description, body (gzip if it is smaller)."""
        data = self.data
        description = json.dumps(
            [
                self.version,
                self.gzipped is not None,
                data.media_type,
                data.valid_until and data.valid_until.isoformat(),
                data.next_update_at and data.next_update_at.isoformat(),
                data.max_age,
                data.headers,
                self.made_at.isoformat(),
            ]
        ).encode()
        return struct.pack(">I", len(description)) + description + (self.gzipped or data.body)

    @classmethod
    def from_bytes(cls, serialized: bytes) -> "CachedResponse":
        """Return the response that `to_bytes` serialized."""
        (length,) = struct.unpack_from(">I", serialized)
        description = json.loads(serialized[4 : 4 + length])
        version, is_gzipped, media_type, valid_until, next_update_at, max_age, headers, made_at = description
        body = serialized[4 + length :]
        data = ResponseData(
            zlib.decompress(body, wbits=31) if is_gzipped else body,
            media_type,
            valid_until and datetime.fromisoformat(valid_until),
            next_update_at and datetime.fromisoformat(next_update_at),
            max_age,
            tuple((name, value) for name, value in headers),
        )
        return cls(data, version, body if is_gzipped else None, datetime.fromisoformat(made_at))


class RawResponse(Response):
    """A response whose headers are bytes already; *raw_headers* is its own list, which may be extended."""

    def __init__(self, status: int, raw_headers: RawHeaders, body: bytes) -> None:
        self.status_code = status
        self.raw_headers = raw_headers
        self.body = body
        self.background = None


class CacheScope(Enum):
    """Callers that may share a response: Cache-Control and Vary."""

    ALL = ("public", "Accept, Accept-Encoding")
    ANONYMOUS = ("public", "Accept, Accept-Encoding, Authorization")
    PRIVATE = ("private", "Accept, Accept-Encoding, Authorization")
    REVALIDATED = ("private, no-cache", "Accept, Accept-Encoding, Authorization")
    """Private and revalidated each time, as it depends on data that its caller may change at any moment."""


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
        # Weak comparison of RFC 9110: a tag contains no quotes, so that a substring search finds it.
        if known is not None and (self._tags[use_gzip] in known or known.strip() == b"*"):
            return RawResponse(304, [*(self._gzip_unchanged if use_gzip else self._unchanged)], b"")
        if use_gzip:
            return RawResponse(200, [*self._gzip_headers], gzipped or b"")
        return RawResponse(200, [*self._headers], self.cached.data.body)


def cache_control(cached: CachedResponse, now: datetime) -> str:
    """Return max-age and stale-if-error: caches may serve the response until the next bar is due, and briefly after."""
    data = cached.data
    seconds = data.max_age
    if seconds is None:
        seconds = _DEFAULT_MAX_AGE
        if (update := data.next_update_at) is not None:
            seconds = min(int((update - now).total_seconds()), _MAX_AGE) if now < update else _OVERDUE_MAX_AGE
    if data.valid_until is not None:
        seconds = min(seconds, int((data.valid_until - now).total_seconds()))
    return f"max-age={max(seconds, 1)}, stale-if-error={_STALE_IF_ERROR}"
