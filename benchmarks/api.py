"""Requests a second of the warm API, beside those of the framework itself on this machine in the same minutes.

`python -m benchmarks.api [--seconds 3] [--rounds 3]`. One process each, 16 connections kept alive; cases take turns.
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import psutil
import redis

from benchmarks.stage import ROOT, Stage, launch, stage, until_listening
from benchmarks.table import print_table
from knative.local.services.ports import free_port

CONNECTIONS = 16
HISTORY = "/ohlc/AAPL?limit=500"

REDIS_GET = """
import os
import functions_framework
import redis

cache = None

@functions_framework.http
def get(request):
    global cache
    if cache is None:
        cache = redis.Redis.from_url(os.environ["REDIS_URL"])
    return cache.get("bench:" + request.args["key"]), 200, {"Content-Type": "application/json"}
"""

HELLO = """
import functions_framework.aio

@functions_framework.aio.http
async def hello(request):
    return "hello"
"""


@dataclass
class Case:
    """A request to measure; *floor* names the case it is compared with."""

    name: str
    url: str
    floor: str
    headers: Mapping[str, str] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)


@contextmanager
def process(command: list[str], environment: Mapping[str, str], port: int) -> Iterator[str]:
    """Run a server and give its URL once it listens."""
    running = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment, "PORT": str(port)}, stdout=subprocess.DEVNULL
    )
    try:
        until_listening(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def load(case: Case, seconds: float) -> tuple[float, float]:
    """Requests a second, and the 99th percentile of milliseconds, under as many as one client can send."""
    return with_wrk(case, seconds) if shutil.which("wrk") else asyncio.run(with_asyncio(case, seconds))


def with_wrk(case: Case, seconds: float) -> tuple[float, float]:
    """Measure with wrk."""
    headers = [part for name, value in case.headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", *headers, case.url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output or "If-None-Match" in case.headers, output
    assert "Socket errors" not in output, output
    percentile = re.search(r"99%\s+([0-9.]+)(us|ms|s)", output)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    assert percentile, output
    assert rate, output
    return float(rate[1]), float(percentile[1]) * {"us": 0.001, "ms": 1, "s": 1000}[percentile[2]]


async def with_asyncio(case: Case, seconds: float) -> tuple[float, float]:
    """Measure with plain sockets; a slower client than wrk, so that fast servers look slower than they are."""
    target = urlsplit(case.url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in case.headers.items())
    request = f"GET {target.path}?{target.query} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()
    deadline = time.perf_counter() + seconds
    taken: list[float] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        while (began := time.perf_counter()) < deadline:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            taken.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return len(taken) / seconds, sorted(taken)[int(len(taken) * 0.99)] * 1000


def cases(place: Stage, api: str, redis_get: str, hello: str) -> list[Case]:
    """Return the cases. The floor reads the same bodies from Redis that api responds with."""
    with redis.Redis.from_url(place.redis_url) as cache:
        for key, path in (("latest", "/latest"), ("history", HISTORY)):
            cache.set(f"bench:{key}", httpx.get(api + path, headers={"Accept-Encoding": "identity"}).content)
    tag = httpx.get(f"{api}/latest", headers={"Accept-Encoding": "identity"}).headers["etag"]
    return [
        Case("default server, Redis GET of the /latest body", f"{redis_get}/?key=latest", "latest"),
        Case(f"default server, Redis GET of the {HISTORY} body", f"{redis_get}/?key=history", "history"),
        Case("asyncio mode, hello-world", f"{hello}/", "latest"),
        Case("api /latest", f"{api}/latest", "latest"),
        Case("api /latest, gzip", f"{api}/latest", "latest", {"Accept-Encoding": "gzip"}),
        Case("api /latest, 304", f"{api}/latest", "latest", {"If-None-Match": tag}),
        Case(f"api {HISTORY}", f"{api}{HISTORY}", "history"),
    ]


def main() -> None:
    """Measure every case in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        print("wrk is not installed (Debian: apt-get install wrk): a slower client in Python is used.", file=sys.stderr)
    with stage() as place, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name, text in (("get.py", REDIS_GET), ("hello.py", HELLO)):
            (Path(folder) / name).write_text(text)
        port = free_port()
        serving = launch("api", place, port)
        stack.callback(serving.wait)
        stack.callback(serving.terminate)
        api = f"http://127.0.0.1:{port}"
        until_listening(api)
        cli = [str(Path(sys.executable).parent / "functions-framework"), "--source", f"{folder}/get.py"]
        redis_get = stack.enter_context(
            process([*cli, "--target", "get", "--host", "127.0.0.1"], place.environment, free_port())
        )
        hello = stack.enter_context(
            process(
                [sys.executable, "-m", "shared.runtime.server"],
                {"K_SERVICE": "hello", "FUNCTION_SOURCE": f"{folder}/hello.py", "HOST": "127.0.0.1"},
                free_port(),
            )
        )
        measured = cases(place, api, redis_get, hello)
        for _ in range(options.rounds):
            for case in measured:
                rate, slowest = load(case, options.seconds)
                case.rates.append(rate)
                case.slowest.append(slowest)
        memory = psutil.Process(serving.pid).memory_full_info()
        floors = {case.floor: median(case.rates) for case in measured[1::-1]}
        print_table(
            f"Warm, {CONNECTIONS} connections, one process each, {options.rounds} rounds of {options.seconds:g} s",
            ("case", "requests/s", "min", "max", "p99 ms", "x default server's Redis GET"),
            [
                (
                    case.name,
                    f"{median(case.rates):.0f}",
                    f"{min(case.rates):.0f}",
                    f"{max(case.rates):.0f}",
                    f"{median(case.slowest):.1f}",
                    f"{median(case.rates) / floors[case.floor]:.2f}",
                )
                for case in measured
            ],
        )
        print_table(
            "Memory of api after that",
            ("measure", "MiB"),
            [("PSS", f"{memory.pss / 2**20:.0f}"), ("RSS", f"{memory.rss / 2**20:.0f}")],
        )


if __name__ == "__main__":
    main()
