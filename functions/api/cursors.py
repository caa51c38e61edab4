"""Cursors: where the next page of a query begins, ticker by ticker, as one opaque word.

The digest finds cursors of other queries and damaged ones. Anybody can compute it, so every field is checked as well.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from hashlib import blake2b

_DIGEST_BYTES = 9
_LATEST = 7_258_118_400
"""2200-01-01 in Unix seconds."""


def write_cursor(identity: str, edges: Mapping[str, int]) -> str:
    """Return a cursor for the query *identity* that continues at *edges*: Unix seconds by ticker."""
    payload = json.dumps(edges, separators=(",", ":")).encode()
    return urlsafe_b64encode(_digest(identity, payload) + payload).decode().rstrip("=")


def read_cursor(identity: str, cursor: str, tickers: Collection[str]) -> dict[str, int]:
    """Return the edges in *cursor*; ValueError unless it is of the query *identity*, which reads *tickers*."""
    whole = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    digest, payload = whole[:_DIGEST_BYTES], whole[_DIGEST_BYTES:]
    # Compared as text as well: base64 has several spellings of the same bytes.
    if digest != _digest(identity, payload) or urlsafe_b64encode(whole).decode().rstrip("=") != cursor:
        raise ValueError("the cursor is damaged, or of another query")
    try:
        edges = json.loads(payload)
    except RecursionError:
        raise ValueError("the cursor is made up") from None
    if not isinstance(edges, dict) or not edges:
        raise ValueError("the cursor is made up")
    if not all(ticker in tickers and type(edge) is int and 0 <= edge < _LATEST for ticker, edge in edges.items()):
        raise ValueError("the cursor is made up")
    return edges


def _digest(identity: str, payload: bytes) -> bytes:
    return blake2b(identity.encode() + b"\0" + payload, digest_size=_DIGEST_BYTES, person=b"stocksalot").digest()
