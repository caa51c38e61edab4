"""Cached response: response data with its entity tag, its gzip form and the market version it was made from."""

import json
import struct
import zlib
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from shared.http.response_data import ResponseData

_MIN_GZIP_BYTES = 1024
_FRESH = b'"stale":false'
_STALE = b'"stale":true'


class CachedResponse:
    """Response data as caches hold it; *version* None: stale, or independent of market data."""

    __slots__ = ("data", "gzipped", "tag", "version")

    def __init__(self, data: ResponseData, version: int | None, gzipped: bytes | None = None) -> None:
        self.data = data
        self.version = version
        self.tag = blake2b(data.body, digest_size=16).hexdigest()
        worth = len(data.body) > _MIN_GZIP_BYTES
        self.gzipped = gzipped or (zlib.compress(data.body, 6, wbits=31) if worth else None)

    @property
    def size(self) -> int:
        """Approximate bytes in memory."""
        return len(self.data.body) + len(self.gzipped or b"") + 500

    def is_valid(self, version: int | None, now: datetime) -> bool:
        """Whether neither the data nor the clock have changed the response."""
        until = self.data.valid_until
        return version is not None and self.version == version and (until is None or now < until)

    def as_stale(self) -> "CachedResponse":
        """Return a copy marked stale, for when the database cannot confirm it."""
        body = self.data.body.replace(_FRESH, _STALE, 1)
        headers = (*self.data.headers, ("X-Stale", "true"))
        return CachedResponse(replace(self.data, body=body, next_update_at=None, max_age=5, headers=headers), None)

    def to_bytes(self) -> bytes:
        """Return it serialized: the length of the description, the description, the body (gzip if worth it)."""
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
            ]
        ).encode()
        return struct.pack(">I", len(description)) + description + (self.gzipped or data.body)

    @classmethod
    def from_bytes(cls, serialized: bytes) -> "CachedResponse":
        """Return the response that `to_bytes` was called on."""
        (length,) = struct.unpack_from(">I", serialized)
        description = json.loads(serialized[4 : 4 + length])
        version, is_gzipped, media_type, valid_until, next_update_at, max_age, headers = description
        body = serialized[4 + length :]
        data = ResponseData(
            zlib.decompress(body, wbits=31) if is_gzipped else body,
            media_type,
            valid_until and datetime.fromisoformat(valid_until),
            next_update_at and datetime.fromisoformat(next_update_at),
            max_age,
            tuple((name, value) for name, value in headers),
        )
        return cls(data, version, body if is_gzipped else None)
