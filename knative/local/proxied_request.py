"""Request as it is sent to a replica: the client's head with the headers that Knative adds."""

import re
import uuid
from collections.abc import MutableMapping
from typing import Any, NamedTuple

Scope = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]

# They describe one connection, so they are not passed to the next one (RFC 9110 7.6.1).
OF_CONNECTION = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer"
    b" transfer-encoding upgrade".split()
)
_SET_HERE = OF_CONNECTION | frozenset(
    b"expect forwarded host k-proxy-request x-forwarded-for x-forwarded-host x-forwarded-proto x-request-id".split()
)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_OF_TARGET = re.compile(rb"[\x00-\x20\x7f]")


class InvalidRequestError(Exception):
    """A request that no client may send; the message says why."""


class ProxiedRequest(NamedTuple):
    """The head in bytes, and whether a body follows, in chunks or with a length."""

    head: bytes
    has_body: bool
    is_chunked: bool
    is_head: bool

    def frame(self, part: bytes, *, more: bool) -> bytes:
        """Return the next bytes of the body."""
        if not self.is_chunked:
            return part
        chunk = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
        return chunk if more else chunk + b"0\r\n\r\n"


def make_request(scope: Scope, path: bytes, host: str) -> ProxiedRequest:
    """Return the request of *scope* for the function *host* under *path*; the query passes byte for byte."""
    headers: Headers = scope["headers"]
    given = _joined(headers)
    length = given.get(b"content-length")
    is_chunked = b"transfer-encoding" in given
    target = path + b"?" + scope["query_string"] if scope["query_string"] else path
    dropped = _SET_HERE
    if b"connection" in given:
        # Never the framing of the body: the next one would take the body for another request.
        dropped = dropped | {name.strip().lower() for name in given[b"connection"].split(b",")} - {b"content-length"}
    if is_chunked:  # one framing only: two are how requests are smuggled
        dropped = dropped | {b"content-length"}
    passed = [(name, value) for name, value in headers if name not in dropped]
    passed += _added(scope, given, host)
    if is_chunked:
        passed.append((b"transfer-encoding", b"chunked"))
    if _NOT_OF_TARGET.search(target) or any(_CONTROL.search(value) for _, value in passed):
        raise InvalidRequestError("the request line or a header has a control character")
    lines = [b"%b %b HTTP/1.1" % (scope["method"].encode(), target), *(b"%b: %b" % header for header in passed)]
    has_body = is_chunked or (length is not None and length != b"0")
    return ProxiedRequest(b"\r\n".join([*lines, b"", b""]), has_body, is_chunked, scope["method"] == "HEAD")


def _joined(headers: Headers) -> dict[bytes, bytes]:
    """Return the headers by name; equal names are one list (RFC 9110 5.3)."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = b"%b, %b" % (joined[name], value) if name in joined else value
    return joined


def _added(scope: Scope, given: dict[bytes, bytes], host: str) -> Headers:
    client: str = scope["client"][0]
    scheme: str = scope["scheme"]
    address = f'"[{client}]"' if ":" in client else client
    before = given.get(b"x-forwarded-for")
    return [
        (b"host", host.encode()),
        (b"x-forwarded-for", client.encode() if before is None else b"%b, %b" % (before, client.encode())),
        (b"x-forwarded-proto", scheme.encode()),
        (b"x-forwarded-host", given.get(b"host", b"")),
        (b"forwarded", f"for={address};proto={scheme}".encode()),
        (b"x-request-id", given.get(b"x-request-id") or str(uuid.uuid4()).encode()),
        (b"k-proxy-request", b"activator"),
    ]
