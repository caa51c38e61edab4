"""Hostile requests: injection, smuggling, floods and slow bodies, as bytes through the front door.

Each gets a clean answer below 500 or a closed connection, sees nothing of our insides, and leaves everything running.
"""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import httpx
import psutil
import pytest

from tests.reading import ROOT, UNLIMITED
from tests.running import System
from tests.system.odd_requests import CHUNKED, ELSEWHERE, FRAMINGS, HEADERS, INJECTIONS, REQUESTS, request
from tests.systems import StartSystem

EVENING = "2026-11-20T22:00:00+00:00"
INSIDES = re.compile(
    rb"(?i)traceback|File \"|site-packages|psycopg|SELECT |stocksalot\.svc|API_TOKEN_SECRET|" + re.escape(bytes(ROOT))
)


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> System:
    """The whole system with three sessions of an invented market, its functions kept for the whole test."""
    settings = {**UNLIMITED, "HISTORY_SESSIONS": "3", "CLOCK": f"{EVENING} {EVENING} 0"}
    system = start_system("--manual", "--min-scale", "1", **settings)
    while system.tick().led_to:
        pass
    return system


@pytest.fixture(autouse=True)
def everything_lives_on(system: System) -> Iterator[None]:
    """After each oddity the same processes go on serving, and no log tells of an error that nobody foresaw."""
    before = pids(system)
    yield
    assert system.get("/latest")["count"] == 50
    assert all(set(some) <= set(pids(system)[name]) for name, some in before.items())
    for name in ("api", "token", "mcp"):
        assert "Traceback" not in system.logs(name), system.logs(name)[-3000:]


def pids(system: System) -> dict[str, list[int]]:
    """The processes of the public functions."""
    return {one["name"]: one["pids"] for one in system.status()["functions"] if one["name"] in ("api", "token", "mcp")}


def exchange(system: System, sent: bytes, seconds: float = 10) -> bytes:
    """Everything that comes back on a connection on which *sent* was sent, until it is closed or silent."""
    parts = urlsplit(system.url)
    got = b""
    with socket.create_connection((parts.hostname or "", parts.port or 80), 10) as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(sent)
            while more := connection.recv(65536):
                got += more
                if b"\r\n\r\n" in got and whole(got):
                    connection.settimeout(0.2)
        except (TimeoutError, ConnectionError):
            pass
    return got


def whole(got: bytes) -> bool:
    """Whether the first answer in *got* is there to its end."""
    head, _, rest = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return length is None or len(rest) >= int(length[1])


def statuses(got: bytes) -> list[int]:
    """The statuses of all answers in *got*."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


@pytest.mark.parametrize("name", FRAMINGS)
def test_smuggled_requests_are_not_served(system: System, name: str) -> None:
    """A request whose end is doubtful gets one answer below 500 at most; what hides in its body is not answered."""
    got = exchange(system, FRAMINGS[name], 3)

    assert len(statuses(got)) <= 1 or "identity" in name, got[-1500:]
    assert all(400 <= status < 500 for status in statuses(got)), got[:500]
    assert b"smuggled" not in got
    assert not INSIDES.search(got)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_strange_request_is_refused(system: System, name: str) -> None:
    """A clean refusal, or silence and the end of the connection for what is no HTTP at all."""
    got = exchange(system, REQUESTS[name], 3)

    assert all(300 <= status < 500 for status in statuses(got)), got[:500]
    assert not INSIDES.search(got.replace(b"/api/../../../../etc/passwd", b"")), got[:1000]
    assert b"root:" not in got
    assert not re.search(rb"(?i)^set-cookie", got, re.MULTILINE)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_unrouted_paths_lead_to_the_page_only(system: System, name: str) -> None:
    """A path without a rule leads to the page, which serves its own files only."""
    got = exchange(system, ELSEWHERE[name], 3)

    assert statuses(got)
    assert b"root:" not in got
    assert b"pids" not in got
    assert b"not-a-cloudevent" not in got


def test_another_host_in_the_line_is_only_a_name(system: System) -> None:
    """A whole address in the request line, as proxies get it, leads where Host leads."""
    got = exchange(system, request("", path="http://evil.example/api/latest", method="GET"), 3)

    assert b"evil" not in got


@pytest.mark.parametrize("name", HEADERS)
def test_strange_headers_change_nothing(system: System, name: str) -> None:
    """They are answered as if they were not there, and not given back."""
    got = exchange(system, request(HEADERS[name], method="GET"), 3)
    last = [status for status in statuses(got) if status != 100][-1]

    assert last == 200, got[:500]
    assert b"evil" not in got
    assert b"<script>" not in got


PARAMETERS = ("tickers", "interval", "start", "end", "limit", "order", "cursor", "format", "as_of", "kind", "basis")


@pytest.mark.parametrize("text", INJECTIONS)
def test_parameters_are_never_executed(system: System, text: str) -> None:
    """Whatever stands in a parameter or a path is a value: refused as one, quickly, and never run or given back raw."""
    began = time.monotonic()
    with httpx.Client(base_url=f"{system.url}/api", timeout=30) as client:
        answers = [
            *(client.get(path, params={name: text}) for path in ("/ohlc", "/movers") for name in PARAMETERS),
            *(client.get(f"{path}/{quote(text, safe='')}") for path in ("/tickers", "/ohlc")),
            client.get("/ohlc/AAPL", params={text: "1"}),
            client.get("/insights", params={"ticker": text}),
            client.post("/token", data={"username": text, "password": text}),
        ]

    for answer in answers:
        assert answer.status_code in (400, 401, 404), f"{answer.url}: {answer.status_code} {answer.text[:300]}"
        assert not INSIDES.search(answer.content.replace(b"UNION SELECT hash", b"")), answer.text
        assert "set-cookie" not in answer.headers
        assert "html" not in answer.headers["content-type"]
    assert time.monotonic() - began < 20
    assert system.get("/status")["tickers"] == 50


@pytest.mark.parametrize(
    "path", ["/api/latest", "/api/token", "/api/users/register", "/api/tokens", "/api/mcp", "/api/x"]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_ten_megabytes_are_refused_without_keeping_them(system: System, path: str, chunked: bool) -> None:
    """A body that nobody asked for is refused, and costs no memory that stays."""
    before = memory(system)
    block = b"a" * 100_000

    def blocks() -> Iterator[bytes]:
        for _ in range(105):
            yield block

    content = blocks() if chunked else block * 105
    headers = {"Content-Type": "application/json"}
    try:
        answer = httpx.post(f"{system.url}{path}", content=content, headers=headers, timeout=30)
    except httpx.TransportError:  # refused before the end of the body: the rest was not wanted
        pass
    else:
        assert 400 <= answer.status_code < 500, answer.text[:300]
    assert memory(system) < before + 60_000_000


def memory(system: System) -> int:
    """Bytes that the public functions have in memory."""
    return sum(psutil.Process(pid).memory_info().rss for some in pids(system).values() for pid in some)


def test_slow_clients_do_not_delay_others(system: System) -> None:
    """A hundred connections that never finish what they began to say, heads and bodies: others are served as before."""
    parts = urlsplit(system.url)
    began = [
        b"GET /api/latest HTTP/1.1\r\nHost: local",
        request("Content-Length: 1000\r\n", b"{", path="/api/token"),
        request(CHUNKED, b"5\r\nab", path="/api/users/register"),
        request("Content-Length: 9\r\n", b"a"),
    ]
    before = slowest(system)
    slow = [socket.create_connection((parts.hostname or "", parts.port or 80), 10) for _ in range(100)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(began[number % len(began)])
        took = slowest(system)
    finally:
        for connection in slow:
            connection.close()

    assert took < 3 * before + 5


def slowest(system: System) -> float:
    """Seconds that the slowest of fifty honest requests takes, ten at a time."""
    with ThreadPoolExecutor(10) as others:
        return max(others.map(lambda _: timed(system), range(50)))


def timed(system: System) -> float:
    """Seconds that an honest request takes."""
    began = time.monotonic()
    assert httpx.get(f"{system.url}/api/latest", timeout=30).status_code == 200
    return time.monotonic() - began


def test_a_broken_off_answer_breaks_nothing(system: System) -> None:
    """Clients that go away in the middle of a big answer, again and again."""
    parts = urlsplit(system.url)
    for _ in range(50):
        with socket.create_connection((parts.hostname or "", parts.port or 80), 10) as connection:
            connection.sendall(request("", method="GET", path="/api/ohlc?limit=100"))
            connection.recv(10)
