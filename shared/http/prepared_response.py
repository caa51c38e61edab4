"""An entry as HTTP sends it: header lines made once, the plain or the compressed body, or 304 for who has it."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache

from starlette.responses import Response

from shared.http.response_data import CachedResponse

_LONGEST = 3600
"""Seconds: a bar may be revised before the next one is due, over a weekend for instance."""
_OVERDUE = 5
_UNKNOWN = 60
_STALE_IF_ERROR = 24 * 3600
_CODING = re.compile(r"\s*([^\s;,]+)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_TAG = re.compile(rb'(?:W/)?("[^"]*")')

RawHeaders = list[tuple[bytes, bytes]]


class RawResponse(Response):
    """A response whose header lines are bytes already; *raw_headers* is its own list, to be added to."""

    def __init__(self, status: int, raw_headers: RawHeaders, body: bytes) -> None:
        self.status_code = status
        self.raw_headers = raw_headers
        self.body = body
        self.background = None


class CacheScope(Enum):
    """Who else may be given the answer that one was given: what Cache-Control and Vary say of it."""

    ALL = ("public", "Accept, Accept-Encoding")
    ANONYMOUS = ("public", "Accept, Accept-Encoding, Authorization")
    NOBODY = ("private", "Accept, Accept-Encoding, Authorization")


class PreparedResponse:
    """An entry with its header lines, as it may be sent for a second."""

    __slots__ = ("_body", "_headers", "_packed", "_packed_headers", "_packed_unchanged", "_tags", "_unchanged")

    def __init__(self, entry: CachedResponse, now: datetime, sharing: CacheScope = CacheScope.ALL) -> None:
        answer, (whose, vary) = entry.answer, sharing.value
        self._body, self._packed = answer.body, entry.packed
        tag = f'"{entry.tag}"'.encode()
        packed_tag = f'"{entry.tag}-gzip"'.encode()
        self._tags = tag, packed_tag
        cached = [
            (b"cache-control", f"{whose}, {cache_control(entry, now)}".encode()),
            (b"vary", vary.encode()),
            *((name.lower().encode(), value.encode()) for name, value in answer.headers),
        ]
        self._unchanged = [(b"etag", tag), *cached]
        self._packed_unchanged = [(b"etag", packed_tag), *cached]
        kind = (b"content-type", answer.media_type.encode())
        self._headers = [kind, (b"content-length", b"%d" % len(self._body)), *self._unchanged]
        self._packed_headers = [
            kind,
            (b"content-encoding", b"gzip"),
            (b"content-length", b"%d" % len(self._packed or b"")),
            *self._packed_unchanged,
        ]

    def response(self, headers: Mapping[bytes, bytes]) -> RawResponse:
        """Return the answer to a GET with these request *headers*, its X-Request-ID still missing.

        To HEAD too: the server leaves the body away.
        """
        packed = self._packed is not None and b"accept-encoding" in headers and takes_gzip(headers[b"accept-encoding"])
        if (known := headers.get(b"if-none-match")) is not None and _is_known(known, self._tags[packed]):
            return RawResponse(304, [*(self._packed_unchanged if packed else self._unchanged)], b"")
        if packed:
            return RawResponse(200, [*self._packed_headers], self._packed or b"")
        return RawResponse(200, [*self._headers], self._body)


def cache_control(entry: CachedResponse, now: datetime) -> str:
    """Return how long a reader may keep *entry*: until the next bar is due, and only for moments once it is."""
    answer = entry.answer
    seconds = answer.max_age
    if seconds is None:
        seconds = _UNKNOWN
        if answer.due is not None:
            seconds = min(int((answer.due - now).total_seconds()), _LONGEST) if now < answer.due else _OVERDUE
    if answer.changes_at is not None:
        seconds = min(seconds, int((answer.changes_at - now).total_seconds()))
    return f"max-age={max(seconds, 1)}, stale-if-error={_STALE_IF_ERROR}"


def _is_known(known: bytes, tag: bytes) -> bool:
    """Tell whether If-None-Match names *tag*, comparing weakly as RFC 9110 wants it."""
    return known == tag or known.strip() == b"*" or tag in _TAG.findall(known)


@lru_cache(maxsize=256)
def takes_gzip(accept_encoding: bytes) -> bool:
    """Tell whether the header Accept-Encoding prefers gzip to the plain bytes."""
    weights = {name.lower(): float(q or 1) for name, q in _CODING.findall(accept_encoding.decode("latin-1"))}
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0)))
    return gzip > 0 and gzip >= weights.get("identity", 0)


@lru_cache(maxsize=256)
def negotiate(accept: bytes, formats: tuple[tuple[str, str], ...]) -> str:
    """Return which of *formats* (name, media type) the header Accept likes best; the first for none or a draw."""
    weights = {name.lower(): float(q or 1) for name, q in _CODING.findall(accept.decode("latin-1"))}

    def weight(media_type: str) -> float:
        main, _, _ = media_type.partition("/")
        return weights.get(media_type, weights.get(f"{main}/*", weights.get("*/*", 0)))

    return max(formats, key=lambda one: weight(one[1]))[0]
