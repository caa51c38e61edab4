"""Parsers of what callers send take no longer for hostile input than for plain input of the same length."""

import time
from collections.abc import Callable

import pytest

from functions.api.parameters import Bars, Coverage
from shared.auth.authenticator import _BEARER
from shared.auth.client_address import ClientAddresses
from shared.http import negotiation
from shared.http.problem import Problem
from shared.http.query import read_query

LENGTH = 7900
FORMATS = (("json", "application/json"), ("csv", "text/csv"))


def query(model: type) -> Callable[[bytes], object]:
    """The parser of a query string."""

    def parse(text: bytes) -> object:
        try:
            return read_query(model, text)
        except Problem as problem:
            return problem

    return parse


def forwarded(text: bytes) -> object:
    """The parser of X-Forwarded-For."""
    return ClientAddresses(1, ["10.0.0.0/8"]).client_address(text, "192.0.2.1")


PARSERS = {
    "start": (query(Bars), b"start="),
    "end": (query(Coverage), b"end="),
    "as_of": (query(Bars), b"as_of="),
    "tickers": (query(Bars), b"tickers="),
    "cursor": (query(Bars), b"cursor="),
    "Accept": (lambda text: negotiation._weights(text[: negotiation._MAX_HEADER]), b""),
    "Authorization": (_BEARER.fullmatch, b"Bearer "),
    "X-Forwarded-For": (forwarded, b""),
}
HOSTILE = [b"T", b"T ", b"a;", b"q=0.", b" ", b"\t", b";q", b"a,", b",", b"2026-11-20T", b"[", b"((", b"1:", b'W/"']


def seconds(parse: Callable[[bytes], object], text: bytes) -> float:
    """The least processor time of three runs: other processes do not count."""
    times = []
    for _ in range(3):
        began = time.process_time()
        parse(text)
        times.append(time.process_time() - began)
    return min(times)


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("name", PARSERS)
def test_hostile_input_takes_as_long_as_plain_input(name: str, unit: bytes) -> None:
    """At most 30 times the time of as many letters and four times for twice the length, above a few milliseconds."""
    parse, start = PARSERS[name]
    plain = seconds(parse, start + b"x" * LENGTH)
    half, whole = (seconds(parse, start + (unit * length)[:length]) for length in (LENGTH // 2, LENGTH))

    assert whole < max(30 * plain, 0.02)
    assert whole < max(4 * half, 0.02)


@pytest.mark.parametrize("size", [1024, 60_000])
def test_a_long_header_is_not_kept(size: int) -> None:
    """The caches of parsed headers hold short values alone."""
    before = negotiation._accepts_gzip.cache_info().currsize

    negotiation.accepts_gzip(b"gzip," + b"x" * size)
    assert negotiation.negotiate(b"text/csv," + b"x" * size, FORMATS) == "json"

    assert negotiation._accepts_gzip.cache_info().currsize == before
