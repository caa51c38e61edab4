"""The API as HTTP: tags, compression, methods and request ids."""

import gzip
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.api.asking import PATHS
from tests.conftest import new_database
from tests.reading import Api, Bar, at, change, hours, put, serving_process, sessions
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Two weeks of AAPL and MSFT."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-11-09", "2026-11-21"))
        put(url, [Bar(ticker, start) for ticker in ("AAPL", "MSFT") for start in starts])
        yield url


def test_the_directory_leads_to_every_endpoint(api: Api) -> None:
    """/ lists what there is, with addresses relative to itself, and every parameter."""
    items = api.items("/")

    assert [item["href"] for item in items] == [
        "tickers", "tickers/{ticker}", "search", "latest", "latest/{ticker}", "embed/{ticker}", "picture",
        "picture/{ticker}", "overview", "ohlc/{ticker}", "ohlc", "indicators/{ticker}", "movers", "splits", "coverage",
        "disagreements", "rejections", "calendar", "status",
    ]  # fmt: skip
    open_to_all = [item["href"] for item in items if item["href"] not in ("rejections", "search")]
    assert all(api.get("/" + href.replace("{ticker}", "AAPL")).status_code == 200 for href in open_to_all)
    bars = next(item for item in items if item["href"] == "ohlc")
    assert set(bars["parameters"]) == {"tickers", "list", "interval", "start", "end", "limit", "order", "cursor",
                                       "format", "as_of", "adjust"}  # fmt: skip


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
    with serving_process(database_url, redis_url) as one, serving_process(database_url, redis_url) as other:
        apple, both = one.get("/ohlc/AAPL").headers["etag"], one.get("/latest").headers["etag"]

        change(database_url, "UPDATE bars SET close = 100.25, revision = 1 WHERE ticker = 'MSFT'", redis_url)

        wait_until(lambda: one.get("/latest").headers["etag"] != both)
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
    assert answer.headers["vary"] == "Accept, Accept-Encoding, Origin"


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


def test_a_request_keeps_its_id(api: Api) -> None:
    """X-Request-ID comes back if it is one, else a new one is given: first asked, asked again, and in a problem."""
    for path, status in (("/movers?limit=3", 200), ("/movers?limit=3", 200), ("/nothing", 404)):
        assert api.get(path, status, x_request_id="abc-1.2_3").headers["x-request-id"] == "abc-1.2_3"
        made = [
            api.get(path, status, x_request_id=bad).headers["x-request-id"] for bad in ("a b", "x" * 129, "", "a/b")
        ]
        assert len(set(made)) == 4
        assert all(re.fullmatch("[0-9a-f-]{32,36}", one) for one in made)
