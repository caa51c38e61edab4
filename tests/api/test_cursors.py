"""Cursors of /ohlc that somebody made up: every field is checked, and nothing but what was asked for is returned."""

import json
import zlib
from base64 import urlsafe_b64encode

import pytest

from functions.api.cursors import _digest, read_cursor, write_cursor

IDENTITY, TICKERS = "AAPL,MSFT {}", ("AAPL", "MSFT")
EDGE = "1795206600"


def forge(payload: bytes, identity: str = IDENTITY) -> str:
    """A cursor with a right digest over any payload: anybody can compute it."""
    return urlsafe_b64encode(_digest(identity, payload) + payload).decode().rstrip("=")


def deflated(value: object) -> bytes:
    """The payload that holds *value* as JSON."""
    return zlib.compress(json.dumps(value).encode())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        deflated({}),
        deflated([]),
        deflated("x"),
        deflated(None),
        deflated({EDGE: ""}),
        deflated({EDGE: 7}),
        deflated({EDGE: ["AAPL"]}),
        deflated({EDGE: None}),
        deflated({EDGE: "KO"}),
        deflated({EDGE: "AAPL,KO"}),
        deflated({EDGE: "AAPL,AAPL"}),
        deflated({EDGE: "AAPL", "7": "AAPL"}),
        deflated({EDGE: "aapl"}),
        deflated({"-1": "AAPL"}),
        deflated({"1.5": "AAPL"}),
        deflated({"": "AAPL"}),
        deflated({"NaN": "AAPL"}),
        deflated({"٣": "AAPL"}),
        deflated({"9" * 11: "AAPL"}),
        deflated({"9" * 5000: "AAPL"}),
        zlib.compress(b"[" * 60_000),
        zlib.compress(b'{"1":"AAPL"'),
        zlib.compress(b"\xff\xfe"),
        zlib.compress(b" " * 10_000_000),
        deflated({EDGE: "AAPL"})[:-1],
        deflated({EDGE: "AAPL"}) + b"x" * 10,
    ],
    ids=repr,
)
def test_every_field_is_checked(payload: bytes) -> None:
    """A ValueError, which is a 400, and never anything else."""
    with pytest.raises(ValueError):
        read_cursor(IDENTITY, forge(payload), TICKERS)


def test_a_cursor_is_of_one_query() -> None:
    """With other parameters it is refused; with its own it says where each ticker goes on."""
    edges = {"AAPL": 1795206600, "MSFT": 1795203000}
    cursor = write_cursor(IDENTITY, edges)

    assert read_cursor(IDENTITY, cursor, TICKERS) == edges
    with pytest.raises(ValueError, match="another query"):
        read_cursor("AAPL {}", cursor, TICKERS)
