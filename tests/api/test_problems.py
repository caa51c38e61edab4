"""Problems of the api: each says what to change, and no input makes the function fail."""

import json
import re
import socket

import httpx
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.asking import PATHS
from tests.reading import Api, serving


@pytest.mark.parametrize("path", ["/nothing", "/latest/", "/latest/AAPL", "/ohlc/AAPL/x", "/tickers//", "/docs/"])
def test_a_path_that_leads_nowhere_is_a_problem(api: Api, path: str) -> None:
    """404 is problem+json with a stable type, whatever the method."""
    for method in ("GET", "POST", "OPTIONS"):
        answer = api.client.request(method, path)

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["instance"] == path
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "parameter", "says"),
    [
        ("/latest?limit=3", "limit", "Parameters: none"),
        ("/movers?sort=x", "sort", "Parameters: basis, kind, limit"),
        ("/movers?limit=1&limit=2", "limit", "more than once"),
        ("/movers?limit=1001", "limit", "from 1 to 1000"),
        ("/movers?kind=best", "kind", "gainers, losers"),
        ("/ohlc/AAPL?limit=-1", "limit", "from 1 to 5000"),
        ("/ohlc/AAPL?limit=5001", "limit", "from 1 to 5000"),
        ("/ohlc/AAPL?limit=", "limit", "whole number"),
        ("/ohlc/AAPL?limit=99999999999999999999999999", "limit", ""),
        ("/ohlc/AAPL?interval=2h", "interval", "1h, 1d, 1w, 1mo"),
        ("/ohlc/AAPL?start=2026-11-05&end=2026-11-05", "end", "later than start"),
        ("/ohlc/AAPL?start=2026-11-06&end=2026-11-05", "end", "later than start"),
        ("/ohlc/AAPL?start=2026-11-05T09:30:00", "start", "offset"),
        ("/ohlc/AAPL?start=2026-02-30", "start", "should be a date"),
        ("/ohlc/AAPL?start=0000-01-01", "start", "should be a date"),
        ("/ohlc/AAPL?start=0001-01-01", "start", "between 1970 and 2199"),
        ("/ohlc/AAPL?start=99999-01-01", "start", "should be a date"),
        ("/ohlc/AAPL?end=9999-12-31", "end", "1970"),
        ("/ohlc/AAPL?end=999999999999", "end", ""),
        ("/ohlc/AAPL?start=2026", "start", "Unix seconds of at least 9 digits"),
        ("/coverage?end=202611", "end", "Unix seconds of at least 9 digits"),
        ("/ohlc/AAPL?as_of=-100000000", "as_of", "should be a date"),
        ("/ohlc/AAPL?start=%00", "start", "should be a date"),
        ("/ohlc/AAPL?start=%FF", "", "percent encoding"),
        ("/ohlc?tickers=", "tickers", "should list tickers"),
        ("/ohlc?tickers=AAPL,M%00", "tickers", "should be tickers"),
        ("/ohlc?tickers=%C3%9F", "tickers", "should be tickers"),
        ("/coverage?detail=all", "detail", "sessions, totals"),
        ("/?x=1", "x", "Parameters: none"),
    ],
)
def test_a_wrong_parameter_is_named(api: Api, path: str, parameter: str, says: str) -> None:
    """400 is problem+json that names each wrong parameter and says what to change."""
    problem = api.get(path, 400).json()

    assert problem["type"] == "https://stocksalot.tech/problems/bad-parameter"
    (fault,) = problem["errors"]
    assert fault["parameter"] == parameter
    assert says in fault["detail"]
    assert parameter in problem["detail"]


def test_all_wrong_parameters_are_named_at_once(api: Api) -> None:
    """Three mistakes in one request are three errors in its problem."""
    errors = api.get("/ohlc/AAPL?limit=0&interval=x&colour=red", 400).json()["errors"]

    assert {fault["parameter"] for fault in errors} == {"limit", "interval", "colour"}


def test_an_unknown_ticker_is_a_404(api: Api) -> None:
    """In the path or in a list, whether it could be a ticker or not."""
    for path in ("/ohlc/NOPE", "/ohlc?tickers=AAPL,NOPE", "/coverage?tickers=NOPE", "/splits?ticker=NOPE",
                 "/ohlc/a%20b", "/tickers/%00", "/tickers/%C3%9F", "/ohlc/" + "A" * 5000):  # fmt: skip
        problem = api.get(path, 404).json()
        assert problem["type"] == "https://stocksalot.tech/problems/unknown-ticker", path
    assert "NOPE" in api.get("/ohlc?tickers=AAPL,NOPE", 404).json()["detail"]


NASTY = [
    b"GET /ohlc/AAPL?start=\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /tickers/\xc3\x28 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /tickers/%C3%28 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /ohlc?" + b"a=1&" * 3000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /ohlc?" + b"a=1&" * 60 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: \xff\"\r\n\r\n",
    b"GET /latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: gzip;q=9..9,;;,\xff\r\n\r\n",
    b"GET /ohlc/AAPL HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/csv;q=0.0.0,*/*;q=,\xff\r\n\r\n",
    b"GET /latest HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-ID: \x80\r\n\r\n",
    b"GET /ohlc/..%2f..%2fetc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("request_bytes", NASTY)
def test_odd_bytes_are_no_reason_to_fall(api: Api, request_bytes: bytes) -> None:
    """Whatever bytes arrive, the answer is below 500, and the next request is served."""
    port = api.client.base_url.port
    with socket.create_connection(("127.0.0.1", port or 80), 10) as connection:
        connection.sendall(request_bytes)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert re.match(rb"HTTP/1.1 [234]\d\d ", answer), answer[:200]
    assert api.get("/latest").status_code == 200


NAMES = st.sampled_from(["tickers", "interval", "start", "end", "limit", "order", "cursor", "format", "kind", "basis",
                         "detail"]) | st.text(max_size=8)  # fmt: skip


WORDS = (
    st.sampled_from(["AAPL", "msft,aapl", "NOPE", "1h", "1d", "1w", "1mo", "asc", "desc", "csv", "ndjson", "gainers",
                     "volatile", "unusual_volume", "session_open", "totals", "2026-11-20", "2026-11-20T14:30:00Z", "-1",
                     "2026-11-20T14:30:00+05:30", "1969-12-31", "1795206600", "0", "1", "50", "5000", "1e3", "NaN"])
    | st.dates().map(str)
    | st.datetimes().map(lambda instant: instant.isoformat() + "Z")
    | st.integers().map(str)
    | st.text(max_size=20)
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from(PATHS) | WORDS.map(lambda word: f"/ohlc/{word}") | WORDS.map(lambda word: f"/tickers/{word}"),
    query=st.lists(st.tuples(NAMES, WORDS), max_size=5),
)
def test_no_query_makes_it_fall(api: Api, path: str, query: list[tuple[str, str]]) -> None:
    """Any path with any parameters is answered with what was asked for, or with a problem that is not the server's."""
    try:
        url = httpx.URL(path.replace("?", "%3F").replace("#", "%23"), params=query)
    except httpx.InvalidURL:
        return

    answer = api.client.get(url)

    assert answer.status_code in (200, 400, 404), answer.text
    if answer.status_code != 200 and answer.headers["content-type"] == "application/problem+json":
        assert json.loads(answer.text)["status"] == answer.status_code


def test_a_fault_of_ours_tells_nothing(database_url: str, redis_url: str) -> None:
    """An unforeseen error is a 500 problem without a word of its text, and the function lives on."""
    with serving(database_url, redis_url) as api:
        with psycopg.connect(database_url) as connection:
            connection.execute("ALTER VIEW newest_bars RENAME TO hidden_bars")
            connection.execute("ALTER FUNCTION derived_bars RENAME TO hidden_function")
        problem = api.get("/ohlc/AAPL?interval=1d", 500)

        assert problem.json()["type"] == "https://stocksalot.tech/problems/internal-error"
        assert "derived_bars" not in problem.text
        assert api.get("/ohlc/AAPL").status_code == 200
