"""Proxy: framing, limits and flow control of the front door, byte for byte."""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from knative.local import event_loop
from knative.local.replica_connection import ConnectionLostError, ReplicaConnection
from shared.runtime.protocol import MAX_HEAD_BYTES
from tests.runner.scripted import OK, Respond, Scripted, scripted

CHUNKED = b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
Scenario = Callable[[Scripted], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """A function that runs a scenario before a function with these responses."""

    def play(scenario: Scenario, respond: bytes | Respond = OK) -> None:
        async def live() -> None:
            async with scripted(tmp_path, respond) as script:
                await scenario(script)

        event_loop.run(live())

    return play


def test_a_trailer_is_no_header(play: Callable[..., None]) -> None:
    """Fields behind a chunked body reach no function, even when all comes in one packet; neither does the next one."""

    async def scenario(script: Scripted) -> None:
        await script.send(CHUNKED + b"\r\n3\r\nend\r\n0\r\nauthorization: Bearer x\r\n\r\n" + GET, responses=2)

        [received] = script.received
        assert b"authorization" not in received
        assert b"3\r\nend\r\n0\r\n\r\nGET /a" in received

    play(scenario)


def test_the_length_of_a_body_is_not_dropped(play: Callable[..., None]) -> None:
    """`Connection: content-length` does not make a second request of the body."""

    async def scenario(script: Scripted) -> None:
        body = b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n"
        head = b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: content-length\r\ncontent-length: %d\r\n\r\n" % len(body)
        await script.send(head + body)

        [received] = script.received
        assert b"content-length: %d\r\n" % len(body) in received

    play(scenario)


def test_equal_headers_are_one_list(play: Callable[..., None]) -> None:
    """All of several Connection and X-Forwarded-For headers count."""

    async def scenario(script: Scripted) -> None:
        await script.send(
            b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: x-one\r\nconnection: x-two\r\nx-one: 1\r\nx-two: 2\r\n"
            b"x-forwarded-for: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n\r\n"
        )

        [received] = script.received
        assert b"x-one" not in received
        assert b"x-two" not in received
        assert b"x-forwarded-for: 1.1.1.1, 2.2.2.2, 127.0.0.1\r\n" in received

    play(scenario)


def test_a_connection_with_an_error_is_not_used_again() -> None:
    """A client that left in the middle of a response costs the next one nothing."""
    connection = ReplicaConnection()
    connection.is_complete = connection._is_sent = connection._keeps_alive = True
    reusable = connection.is_reusable
    connection.fail(ConnectionLostError("the client has disconnected"))

    assert (reusable, connection.is_reusable) == (True, False)


def test_headers_of_a_connection_end_with_it(play: Callable[..., None]) -> None:
    """Hop-by-hop headers and those named by `Connection` are not passed on; those of Knative cannot be set."""

    async def scenario(script: Scripted) -> None:
        await script.send(
            b"GET /a?b=%20c HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, x-one\r\nx-one: 1\r\nx-two: 2\r\n"
            b"te: trailers\r\n"
            b"k-proxy-request: forged\r\nforwarded: for=1.2.3.4\r\nx-forwarded-for: 1.2.3.4\r\n\r\n"
        )

        [received] = script.received
        assert received.startswith(b"GET /a?b=%20c HTTP/1.1\r\n")
        assert b"x-two: 2" in received
        assert b"x-forwarded-for: 1.2.3.4, 127.0.0.1\r\n" in received
        assert not [name for name in (b"x-one", b"te:", b"forged", b"for=1.2.3.4", b"connection") if name in received]

    play(scenario)


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET /a HTTP/1.1\r\nx: ", *[b"b" * 8192] * 5, b"\r\n\r\n"],
        [b"GET /" + b"b" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n\r\n"],
        [CHUNKED + b"\r\n3;", *[b"b" * 8192] * 5, b"\r\nend\r\n0\r\n\r\n"],
        [CHUNKED + b"\r\n3\r\nend\r\n0\r\nx: ", *[b"b" * 8192] * 6, b"\r\n\r\n"],
    ],
    ids=["header", "target", "chunk extension", "trailer"],
)
def test_heads_are_bounded(play: Callable[..., None], parts: list[bytes]) -> None:
    """A head, a chunk extension or a trailer that does not end is 431 and the end of the connection."""

    async def scenario(script: Scripted) -> None:
        assert (await script.send(*parts)).startswith(b"HTTP/1.1 431 ")

    play(scenario)


def test_a_body_is_no_head(play: Callable[..., None]) -> None:
    """A large body that comes in one packet with the end of its head passes."""
    body = b"b" * 60_000 + b"end"

    async def scenario(script: Scripted) -> None:
        head = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)

        assert (await script.send(head[:20], head[20:] + body)).startswith(b"HTTP/1.1 200 ")
        assert script.received[0].endswith(body)

    play(scenario)


def test_expect_is_answered_by_the_front_door(play: Callable[..., None]) -> None:
    """A client that waits for 100 Continue gets it, and the function sees the body alone."""

    async def scenario(script: Scripted) -> None:
        head = b"POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
        got = await script.send(head, b"end", responses=2)

        assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
        assert b"expect" not in script.received[0]

    play(scenario)


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n",
            b"2\r\nok\r\n0\r\n\r\n",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", b""),
    ],
)  # fmt: skip
def test_responses_pass_in_each_framing(play: Callable[..., None], response: bytes, body: bytes) -> None:
    """Informational responses and trailers are left out; what follows on the connection is the next response."""

    async def scenario(script: Scripted) -> None:
        got = await script.send(GET, GET, responses=2)

        assert [one.partition(b"\r\n\r\n")[2] for one in got.split(b"HTTP/1.1 ")[1:]] == [body, body]
        assert len(script.received) == 1
        assert b"link" not in got
        assert b"x-trailer" not in got

    play(scenario, response)


def test_a_response_may_end_with_its_connection(play: Callable[..., None]) -> None:
    """A response without a length is whole when the function closes."""

    async def respond(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nok")
        writer.close()

    async def scenario(script: Scripted) -> None:
        assert (await script.send(GET)).endswith(b"2\r\nok\r\n0\r\n\r\n")

    play(scenario, respond)


@pytest.mark.parametrize("response", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"])
def test_what_is_not_http_is_502(play: Callable[..., None], response: bytes) -> None:
    """A function that answers with something else than HTTP is a 502."""

    async def scenario(script: Scripted) -> None:
        assert (await script.send(GET)).startswith(b"HTTP/1.1 502 ")

    play(scenario, response)


def test_a_response_that_nobody_asked_for_reaches_nobody(play: Callable[..., None]) -> None:
    """Bytes behind a function's response are not taken for the response to the next request."""

    async def scenario(script: Scripted) -> None:
        got = await script.send(GET, GET, responses=2)

        assert got.count(b"HTTP/1.1 200 ") == 2
        assert b"poison" not in got
        assert len(script.received) == 2

    play(scenario, OK + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")


def test_an_early_response_ends_the_upload(play: Callable[..., None]) -> None:
    """A response before the end of the body is passed on, and that connection serves no other request."""

    async def respond(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")

    async def scenario(script: Scripted) -> None:
        head = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n"

        assert (await script.send(head + b"b" * 1000)).startswith(b"HTTP/1.1 413 ")
        assert (await script.send(GET)).startswith(b"HTTP/1.1 413 ")
        assert len(script.received) == 2

    play(scenario, respond)


def test_a_slow_client_slows_the_function(play: Callable[..., None]) -> None:
    """A response that nobody reads is not collected in the runner."""
    sent = 0

    async def respond(_: object, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"b" * 100_000)
            await writer.drain()
            sent += 100_000

    async def scenario(script: Scripted) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", script.port, limit=1024)
        writer.write(GET)
        seen = -1
        while seen != sent or not sent:
            seen = sent
            await asyncio.sleep(0.2)
        writer.transport.abort()

        assert sent < 30_000_000  # sockets have buffers of some megabytes
        async with asyncio.timeout(5):
            await script.closed.wait()  # when the client has gone, the function learns it

    play(scenario, respond)


def open_descriptors() -> int:
    """Number of file descriptors that this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


def test_few_descriptors_are_503_and_kill_no_function(play: Callable[..., None]) -> None:
    """Without a free file descriptor a request is refused; the function lives on and answers the next one."""

    async def scenario(script: Scripted) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        connections = [await asyncio.open_connection("127.0.0.1", script.port) for _ in range(8)]
        await asyncio.sleep(0.1)  # all are accepted
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_descriptors(), hard))
        try:
            for _, writer in connections:
                writer.write(GET)
            heads = [await asyncio.wait_for(reader.read(12), 5) for reader, _ in connections]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for _, writer in connections:
                writer.close()

        assert b"HTTP/1.1 503" in heads
        assert (await script.send(GET)).startswith(b"HTTP/1.1 200 ")

    play(scenario)
