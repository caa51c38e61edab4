"""Cursors: where the next page of a query begins, ticker by ticker, as one opaque word.

The digest finds cursors of other queries and damaged ones. It is no secret, so every field is checked as well.
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from hashlib import blake2b

_DIGEST_BYTES = 9
_LATEST = 7_258_118_400
"""2200-01-01 in Unix seconds."""
_EDGE_DIGITS = 12
_MAX_BYTES = 64 * 1024
"""Of the inflated text: a thousand tickers with an edge each take half of it."""
_INVALID = "the cursor is invalid or belongs to another query"


def write_cursor(identity: str, edges: Mapping[str, int]) -> str:
    """Return a cursor for the query *identity* that continues at *edges*: Unix seconds by ticker.

    Tickers with the same edge share it: a thousand of them fit into a parameter.
    """
    by_edge: dict[str, list[str]] = {}
    for ticker, edge in edges.items():
        by_edge.setdefault(str(edge), []).append(ticker)
    text = json.dumps({edge: ",".join(tickers) for edge, tickers in by_edge.items()}, separators=(",", ":"))
    payload = zlib.compress(text.encode(), 9)
    return urlsafe_b64encode(_digest(identity, payload) + payload).decode().rstrip("=")


def read_cursor(identity: str, cursor: str, tickers: Collection[str]) -> dict[str, int]:
    """Return the edges in *cursor*; ValueError unless it is of the query *identity*, which reads *tickers*."""
    whole = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    digest, payload = whole[:_DIGEST_BYTES], whole[_DIGEST_BYTES:]
    # Compared as text as well: base64 has several spellings of the same bytes.
    if digest != _digest(identity, payload) or urlsafe_b64encode(whole).decode().rstrip("=") != cursor:
        raise ValueError(_INVALID)
    found: dict[str, int] = {}
    known = frozenset(tickers)
    for edge, names in _parse(payload).items():
        if not (isinstance(names, str) and edge.isascii() and edge.isdecimal() and len(edge) < _EDGE_DIGITS):
            raise ValueError(_INVALID)
        for name in names.split(","):
            if name not in known or name in found or not int(edge) < _LATEST:
                raise ValueError(_INVALID)
            found[name] = int(edge)
    if not found:
        raise ValueError(_INVALID)
    return found


def _parse(payload: bytes) -> dict[str, object]:
    """Return the object in *payload*; ValueError for anything else."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(payload, _MAX_BYTES)
        edges = json.loads(text)
    except (zlib.error, RecursionError):
        raise ValueError(_INVALID) from None
    if inflater.unconsumed_tail or inflater.unused_data or not inflater.eof or not isinstance(edges, dict):
        raise ValueError(_INVALID)
    return edges


def _digest(identity: str, payload: bytes) -> bytes:
    return blake2b(identity.encode() + b"\0" + payload, digest_size=_DIGEST_BYTES, person=b"stocksalot").digest()
