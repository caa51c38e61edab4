"""Cursors: where to go on, ticker by ticker, in one opaque word that belongs to one question."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b

from functions.api.values import TICKER

_CHECK_BYTES = 9


def write_cursor(question: str, edges: Mapping[str, int]) -> str:
    """Return a cursor for *question* that goes on at *edges*: Unix seconds by ticker."""
    payload = json.dumps(edges, separators=(",", ":")).encode()
    return urlsafe_b64encode(_check(question, payload) + payload).decode().rstrip("=")


def read_cursor(question: str, cursor: str) -> dict[str, int]:
    """Return the edges that *cursor* was written with; ValueError when it is not whole or of another question."""
    whole = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    check, payload = whole[:_CHECK_BYTES], whole[_CHECK_BYTES:]
    # Compared as text as well: base64 has several spellings of the same bytes.
    if check != _check(question, payload) or urlsafe_b64encode(whole).decode().rstrip("=") != cursor:
        raise ValueError("the cursor is not whole, or belongs to another question")
    edges = json.loads(payload)
    if not all(TICKER.fullmatch(ticker) and isinstance(edge, int) for ticker, edge in edges.items()):
        raise ValueError("the cursor is not one of ours")
    return edges


def _check(question: str, payload: bytes) -> bytes:
    return blake2b(question.encode() + b"\0" + payload, digest_size=_CHECK_BYTES, person=b"stocksalot").digest()
