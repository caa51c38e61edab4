"""The API as HTTP: problems, tags, caching, compression, methods, origins, and whatever a stranger sends."""

import gzip
import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import new_database
from tests.reading import Api, Bar, at, change, hours, put, serving, sessions
from tests.waiting import wait_until

PATHS = ("/", "/tickers", "/tickers/AAPL", "/latest", "/ohlc", "/ohlc/AAPL", "/movers", "/market_movers", "/coverage",
         "/status", "/openapi.json", "/docs")  # fmt: skip


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Two weeks of AAPL and MSFT."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-11-09", "2026-11-21"))
        put(url, [Bar(ticker, start) for ticker in ("AAPL", "MSFT") for start in starts])
        yield url


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over them, on Friday evening."""
    with serving(database, module_redis_url) as api:
        yield api


def test_the_directory_leads_to_every_endpoint(api: Api) -> None:
    """/ lists what there is, with addresses relative to itself, and every parameter."""
    items = api.items("/")

    assert [item["href"] for item in items] == [
        "tickers", "tickers/{ticker}", "latest", "ohlc/{ticker}", "ohlc", "movers", "coverage", "status",
    ]  # fmt: skip
    assert all(api.get("/" + item["href"].replace("{ticker}", "AAPL")).status_code == 200 for item in items)
    assert set(items[4]["parameters"]) == {"tickers", "interval", "start", "end", "limit", "order", "cursor", "format",
                                           "as_of"}  # fmt: skip


@pytest.mark.parametrize("path", PATHS[:-1])
def test_a_tag_answers_not_modified(api: Api, path: str) -> None:
    """A strong ETag, given back alone, in a list, weakened or as *, is answered 304 without a body; another is not."""
    first = api.get(path)
    tag = first.headers["etag"]

    assert re.fullmatch('"[0-9a-f]{32}"', tag)
    for known in (tag, f'"x", {tag}', f"W/{tag}", f'W/"y",W/{tag} , "z"', "*"):
        answer = api.get(path, 304, if_none_match=known)
        assert (answer.content, answer.headers["etag"]) == (b"", tag), known
        assert {"cache-control", "vary"} <= set(answer.headers)
        assert "content-length" not in answer.headers
    for other in ('"x"', tag.strip('"'), f'"{tag[1:-2]}"', ""):
        assert api.get(path, if_none_match=other).content == first.content, other


def test_a_tag_changes_if_and_only_if_the_data_do(database_url: str, redis_url: str) -> None:
    """A commit that leaves a ticker alone leaves the tag of its history alone, in every copy; a revision changes it."""
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30")), Bar("MSFT", at("2026-11-20 20:30"))])
    with serving(database_url, redis_url) as one, serving(database_url, redis_url) as other:
        apple, both = one.get("/ohlc/AAPL").headers["etag"], one.get("/latest").headers["etag"]

        change(database_url, "UPDATE bars SET close = 100.25, revision = 1 WHERE ticker = 'MSFT'", redis_url)

        wait_until(lambda: one.get("/latest").headers["etag"] != both, 3)
        assert one.get("/ohlc/AAPL").headers["etag"] == apple
        assert other.get("/ohlc/AAPL").headers["etag"] == apple
        assert other.get("/latest").headers["etag"] == one.get("/latest").headers["etag"]


@pytest.mark.parametrize(
    "accept", ["gzip", "deflate, gzip;q=0.5", "*", "GZIP", "identity;q=0.2, gzip;q=0.8", "br,x-gzip"]
)
def test_big_answers_are_compressed_for_who_wants_it(api: Api, accept: str) -> None:
    """gzip where the request prefers it, with a tag of its own; the content is the same."""
    plain = api.get("/coverage", accept_encoding="identity")
    packed = api.client.send(
        api.client.build_request("GET", "/coverage", headers={"Accept-Encoding": accept}), stream=True
    )
    raw = b"".join(packed.iter_raw())

    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert int(packed.headers["content-length"]) == len(raw) < len(plain.content)
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'
    assert api.get("/coverage", 304, accept_encoding=accept, if_none_match=packed.headers["etag"]).content == b""
    assert api.get("/coverage", accept_encoding=accept, if_none_match=plain.headers["etag"]).status_code == 200


@pytest.mark.parametrize(
    "accept", ["", "identity", "gzip;q=0", "br", "*;q=0", "gzip;q=0.1, identity", "gzip;q=0.000, *"]
)
def test_nobody_is_sent_gzip_unasked(api: Api, accept: str) -> None:
    """Without a preference for gzip, or with one against it, the bytes are plain."""
    answer = api.get("/coverage", accept_encoding=accept)

    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


def test_small_answers_are_left_plain(api: Api) -> None:
    """Below a kilobyte compressing is not worth it."""
    assert "content-encoding" not in api.get("/tickers/AAPL", accept_encoding="gzip").headers


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(api: Api, path: str) -> None:
    """HEAD answers the same header lines as GET, the length included, and no body; first asked or asked again."""
    for _ in range(2):
        head, get = api.client.head(path), api.get(path)

        assert (head.status_code, head.content) == (200, b"")
        unlike = {"date", "ratelimit", "x-request-id", *({"etag", "content-length"} if path == "/status" else ())}
        assert {k: v for k, v in head.headers.items() if k not in unlike} == {
            k: v for k, v in get.headers.items() if k not in unlike
        }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(api: Api, path: str, method: str) -> None:
    """A method that writes is 405 with Allow, as a problem; and the next GET is served as ever."""
    answer = api.client.request(method, path, content=b"{}")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.headers["content-type"] == "application/problem+json"
    assert api.get(path).status_code == 200


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
        ("/latest?limit=3", "limit", "there are: none"),
        ("/movers?sort=x", "sort", "there are: basis, kind, limit"),
        ("/movers?limit=1&limit=2", "limit", "more than once"),
        ("/movers?limit=51", "limit", "less than or equal to 50"),
        ("/movers?kind=best", "kind", "'gainers', 'losers'"),
        ("/ohlc/AAPL?limit=-1", "limit", "greater than or equal to 1"),
        ("/ohlc/AAPL?limit=5001", "limit", "less than or equal to 5000"),
        ("/ohlc/AAPL?limit=", "limit", "integer"),
        ("/ohlc/AAPL?limit=99999999999999999999999999", "limit", ""),
        ("/ohlc/AAPL?interval=2h", "interval", "'1h', '1d', '1w' or '1mo'"),
        ("/ohlc/AAPL?start=2026-11-05&end=2026-11-05", "end", "later than start"),
        ("/ohlc/AAPL?start=2026-11-06&end=2026-11-05", "end", "later than start"),
        ("/ohlc/AAPL?start=2026-11-05T09:30:00", "start", "offset"),
        ("/ohlc/AAPL?start=2026-02-30", "start", "should be a date"),
        ("/ohlc/AAPL?start=0000-01-01", "start", "should be a date"),
        ("/ohlc/AAPL?start=0001-01-01", "start", "between 1970 and 2199"),
        ("/ohlc/AAPL?start=99999-01-01", "start", "should be a date"),
        ("/ohlc/AAPL?end=9999-12-31", "end", "1970"),
        ("/ohlc/AAPL?end=999999999999", "end", ""),
        ("/ohlc/AAPL?start=%00", "start", "should be a date"),
        ("/ohlc/AAPL?start=%FF", "", "percent encoding"),
        ("/ohlc?tickers=", "tickers", "should list tickers"),
        ("/ohlc?tickers=AAPL,M%00", "tickers", "should be tickers"),
        ("/ohlc?tickers=%C3%9F", "tickers", "should be tickers"),
        ("/coverage?detail=all", "detail", "'sessions' or 'totals'"),
        ("/?x=1", "x", "there are: none"),
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
    """Who made three mistakes is told of three."""
    errors = api.get("/ohlc/AAPL?limit=0&interval=x&colour=red", 400).json()["errors"]

    assert {fault["parameter"] for fault in errors} == {"limit", "interval", "colour"}


def test_an_unknown_ticker_is_a_404(api: Api) -> None:
    """In the path or in a list, whether it could be a ticker or not."""
    for path in ("/ohlc/NOPE", "/ohlc?tickers=AAPL,NOPE", "/coverage?tickers=NOPE", "/ohlc/a%20b", "/tickers/%00",
                 "/tickers/%C3%9F", "/ohlc/" + "A" * 5000):  # fmt: skip
        problem = api.get(path, 404).json()
        assert problem["type"] == "https://stocksalot.tech/problems/unknown-ticker", path
    assert "NOPE" in api.get("/ohlc?tickers=AAPL,NOPE", 404).json()["detail"]


def test_a_request_keeps_its_id(api: Api) -> None:
    """X-Request-ID comes back if it is one, else a new one is given: first asked, asked again, and in a problem."""
    for path, status in (("/movers?limit=3", 200), ("/movers?limit=3", 200), ("/nothing", 404)):
        assert api.get(path, status, x_request_id="abc-1.2_3").headers["x-request-id"] == "abc-1.2_3"
        made = [
            api.get(path, status, x_request_id=bad).headers["x-request-id"] for bad in ("a b", "x" * 129, "", "a/b")
        ]
        assert len(set(made)) == 4
        assert all(re.fullmatch("[0-9a-f-]{32,36}", one) for one in made)


@pytest.mark.parametrize(
    ("now", "lacking", "seconds"),
    [
        ("2026-11-20T15:31:00+00:00", False, 3600),
        ("2026-11-20T16:30:00+00:00", False, 60),
        ("2026-11-20T16:30:59+00:00", False, 1),
        ("2026-11-20T16:31:00+00:00", False, 5),
        ("2026-11-20T15:31:00+00:00", True, 5),
        ("2026-11-20T20:31:00+00:00", True, 5),
        ("2026-11-21T12:00:00+00:00", False, 5),
    ],
)
def test_caches_may_keep_an_answer_until_the_next_bar_is_due(
    database_url: str, redis_url: str, now: str, lacking: bool, seconds: int
) -> None:
    """max-age ends when the next bar counts as finished; while one is overdue it is a matter of seconds."""
    change(database_url, "UPDATE tickers SET active = false WHERE ticker NOT IN ('AAPL', 'MSFT')")
    put(database_url, [Bar(ticker, at("2026-11-20 14:30")) for ticker in ("AAPL", "MSFT")[: 1 if lacking else 2]])

    with serving(database_url, redis_url, now) as api:
        ages = {path: api.get(path).headers["cache-control"] for path in ("/latest", "/ohlc/AAPL", "/movers")}

    assert ages == dict.fromkeys(ages, f"public, max-age={seconds}, stale-if-error=86400")


def test_the_time_that_is_left_runs_down(database_url: str, redis_url: str) -> None:
    """An answer that is asked for all the time, and never changes, still says how long it may be kept from now."""
    change(database_url, "UPDATE tickers SET active = false WHERE ticker <> 'AAPL'")
    put(database_url, [Bar("AAPL", at("2026-11-20 15:30"))])
    clock = f"2026-11-20T17:30:05+00:00 {datetime.now(UTC).isoformat()} 8"

    with serving(database_url, redis_url, CLOCK=clock) as api:
        ages = [60]
        while (age := max_age(api)) <= ages[-1] and age != 5:
            ages.append(age)

    assert age == 5  # overdue: it may come at any moment
    assert len(set(ages)) >= 4


def max_age(api: Api) -> int:
    """Seconds for which the newest bars may be kept."""
    return int(re.findall("max-age=([0-9]+)", api.get("/latest").headers["cache-control"])[0])


def test_nobody_waits_over_a_weekend(database_url: str, redis_url: str) -> None:
    """With everything there and the market closed, an answer may be kept for an hour: corrections come any time."""
    change(database_url, "UPDATE tickers SET active = false WHERE ticker <> 'AAPL'")
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30"))])

    with serving(database_url, redis_url, "2026-11-21T12:00:00+00:00") as api:
        assert "max-age=3600," in api.get("/latest").headers["cache-control"]
        assert "max-age=1," in api.get("/status").headers["cache-control"]


def test_other_origins_are_strangers_by_default(api: Api) -> None:
    """Without configuration no answer may be read by a page of another origin."""
    assert "access-control-allow-origin" not in api.get("/latest", origin="https://page.example").headers


def test_configured_origins_may_read(database_url: str, redis_url: str) -> None:
    """CORS_ORIGINS names who may read: answers, problems and preflights; nobody else."""
    allowed = "https://page.example"
    with serving(database_url, redis_url, CORS_ORIGINS=f"{allowed},https://other.example") as api:
        for path, status in (("/latest", 200), ("/latest", 200), ("/nothing", 404)):
            headers = api.get(path, status, origin=allowed).headers
            assert headers["access-control-allow-origin"] == allowed
            assert "ETag" in headers["access-control-expose-headers"]
            stranger = api.get(path, status, origin="https://evil.example").headers
            assert "access-control-allow-origin" not in stranger
            assert "Origin" in stranger["vary"]
        preflight = api.client.options("/latest", headers={"Origin": allowed, "Access-Control-Request-Method": "GET"})

    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, allowed)
    assert "GET" in preflight.headers["access-control-allow-methods"]
    assert "Authorization" in preflight.headers["access-control-allow-headers"]


def test_every_origin_may_read_where_that_is_configured(database_url: str, redis_url: str) -> None:
    """CORS_ORIGINS=* opens the answers to every page, with no difference between origins."""
    with serving(database_url, redis_url, CORS_ORIGINS="*") as api:
        for _ in range(2):
            answer = api.get("/latest", origin="https://anyone.example")
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "Origin" not in answer.headers["vary"]


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
