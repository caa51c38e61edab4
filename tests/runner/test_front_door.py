"""The front door leads to public functions alone, and changes nothing on the way."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable

import pytest

from knative.local.application import Route
from knative.local.front_door import rewrite
from tests.runner.sample import Sample


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/api", "/"),
        ("/api/", "/"),
        ("/api/latest", "/latest"),
        ("/api/ohlc/BRK.A", "/ohlc/BRK.A"),
        ("/api/a%2Fb%20c", "/a%2Fb%20c"),
        ("/api//x", "//x"),
        ("/apix", None),
        ("/", None),
    ],
)
def test_a_prefix_is_taken_off(asked: str, seen: str | None) -> None:
    """A prefix ends at a slash, and what follows it reaches the function byte for byte."""
    route = Route(["localhost"], "/api", "/", ("test", "sample"))

    expected = None if seen is None else seen.encode()

    assert rewrite(route, asked.encode()) == expected


def test_the_longest_prefix_of_the_host_wins(run: Callable[..., None]) -> None:
    """Rules count for their host names, the longest prefix first; any other name means localhost."""
    expected = {
        ("localhost", "/api/x"): "/x",
        ("127.0.0.1:1234", "/api/x"): "/x",
        ("my-laptop.lan:80", "/api/x"): "/x",
        ("localhost", "/api/inner/x"): "/prefix/x",
        ("localhost", "/api/innermost"): "/innermost",
        ("api.localhost:80", "/x"): "/x",
        ("API.localhost", "/api/x"): "/api/x",
    }

    async def scenario(sample: Sample) -> None:
        answers = {asked: await sample.client.get(asked[1], headers={"Host": asked[0]}) for asked in expected}

        assert {asked: answer.json()["path"] for asked, answer in answers.items()} == expected

    run(scenario)


def test_a_cluster_local_function_cannot_be_reached(run: Callable[..., None]) -> None:
    """Whatever path or host name somebody tries, no request comes to a function that is cluster-local."""
    tries = [
        ("hidden.test.svc.cluster.local", "/"),
        ("hidden.test.svc.cluster.local", "/api/"),
        ("localhost", "/test/hidden/"),
        ("localhost", "/hidden"),
        ("localhost", "/api/../hidden"),
        ("localhost", "/api/../../test/hidden/"),
        ("localhost", "http://hidden.test.svc.cluster.local/"),
        ("localhost", "/-/status"),
    ]

    async def scenario(sample: Sample) -> None:
        for host, path in tries:
            reader, writer = await asyncio.open_connection("127.0.0.1", sample.client.base_url.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 ")
            writer.close()

        assert sample.cluster.activator.revisions["test", "hidden"].requests == 0

    run(scenario)


def test_within_the_cluster_it_can(run: Callable[..., None]) -> None:
    """On the inner address, which only this machine can reach, the same function answers."""

    async def scenario(sample: Sample) -> None:
        answer = await sample.client.get(f"{sample.cluster.gateway_url}/test/hidden/some/path?a=1")

        assert (answer.json()["path"], answer.json()["query"]) == ("/some/path", "a=1")
        assert answer.json()["headers"]["host"] == "hidden.test.svc.cluster.local"
        assert (await sample.client.get(f"{sample.cluster.gateway_url}/test/nobody/")).status_code == 404

    run(scenario)


def test_a_query_passes_byte_for_byte(run: Callable[..., None]) -> None:
    """A query that httpx would write anew reaches the function unchanged."""

    async def scenario(sample: Sample) -> None:
        query = "a=%20b+c&d='e'|f&g=%zz"
        answer = await sample.client.get("/api/", extensions={"target": f"/api/?{query}".encode()})

        assert answer.json()["query"] == query

    run(scenario)


def test_head_has_no_body_and_the_length_of_get(run: Callable[..., None]) -> None:
    """HEAD passes as HEAD."""

    async def scenario(sample: Sample) -> None:
        answer = await sample.client.head("/api/")

        assert answer.status_code == 200
        assert int(answer.headers["content-length"]) > 0
        assert answer.content == b""

    run(scenario)


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
def test_a_large_body_passes_both_ways(run: Callable[..., None], chunked: bool) -> None:
    """20 MB go in and come out unchanged."""
    body = os.urandom(20_000_000)

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1_000_000):
            yield body[start : start + 1_000_000]

    async def scenario(sample: Sample) -> None:
        answer = await sample.client.post("/api/echo", content=parts() if chunked else body)

        assert answer.content == body

    run(scenario)


def test_an_answer_streams(run: Callable[..., None]) -> None:
    """The first part of an answer is there before the last one is made."""

    async def scenario(sample: Sample) -> None:
        await sample.get("/")
        begun = time.monotonic()
        async with sample.client.stream("GET", "/api/drip") as answer:
            times = [time.monotonic() - begun async for _ in answer.aiter_raw()]

        assert len(times) == 3
        assert times[0] < 0.3 < times[-1]

    run(scenario)


def test_a_query_may_be_empty(run: Callable[..., None]) -> None:
    """`/?` is the path / with an empty query."""

    async def scenario(sample: Sample) -> None:
        assert (await sample.client.get("/api/?")).status_code == 200
        assert (await sample.client.get("/api?")).status_code == 200
        assert (await sample.client.get("/?", headers={"Host": "api.localhost"})).json()["path"] == "/"

    run(scenario)


def test_a_public_function_has_its_cluster_host_name(run: Callable[..., None]) -> None:
    """A request to the host name that a public function has in a cluster reaches it, with the whole path."""

    async def scenario(sample: Sample) -> None:
        for host in ("sample.test", "sample.test.svc", "sample.test.svc.cluster.local:80", "SAMPLE.test"):
            answer = await sample.client.get("/api/x?y=1", headers={"Host": host})
            assert (answer.json()["path"], answer.json()["query"]) == ("/api/x", "y=1")
        assert (await sample.client.get("/", headers={"Host": "hidden.test"})).status_code == 404

    run(scenario)
