"""Cold start: from starting the process to its first good answer, beside the framework's own hello-world.

`python -m benchmarks.cold_start [--runs 15]`. The cases take turns, so that a slow moment of the machine meets all.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil

from benchmarks.stage import ROOT, TICK, Stage, bars_event, launch, stage
from benchmarks.table import print_table, spread
from knative.local.services.ports import free_port

HELLO = """
import functions_framework

@functions_framework.http
def hello(request):
    return "hello"
"""

IMPORTS = {
    "bare interpreter": "pass",
    "functions_framework.aio": "import functions_framework.aio",
    "  + uvicorn, uvloop, httptools": "import functions_framework.aio, uvicorn, uvloop, httptools",
    "  + psycopg_pool": "import functions_framework.aio, uvicorn, uvloop, httptools, psycopg_pool",
    "left for after the first answer: redis": (
        "import functions_framework.aio, uvicorn, uvloop, httptools, redis.asyncio"
    ),
    "  + settings (msgspec)": "import functions_framework.aio, uvicorn, uvloop, httptools, shared.runtime.settings",
    "  + events (msgspec)": "import functions_framework.aio, uvicorn, uvloop, httptools, shared.events.types",
    "  + httpx": "import functions_framework.aio, uvicorn, uvloop, httptools, httpx",
    "left for the first query string: pydantic": (
        "import functions_framework.aio, uvicorn, uvloop, httptools, pydantic"
    ),
    "mcp alone: the protocol's SDK": "import functions_framework.aio, uvicorn, uvloop, httptools, mcp.server.mcpserver",
}


def post(headers: dict[str, str], body: bytes, path: str = "/") -> bytes:
    """An HTTP/1.1 POST as bytes."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return (
        "\r\n".join(
            [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}", *lines, "", ""]
        ).encode()
        + body
    )


def get(path: str) -> bytes:
    """An HTTP/1.1 GET as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


def first_answer(start: Callable[[int], subprocess.Popen[bytes]], request: bytes, status: bytes) -> tuple[float, float]:
    """Seconds from a process's start to its whole answer to *request*, and its memory then (PSS in MiB)."""
    port = free_port()
    began = time.perf_counter()
    process = start(port)
    try:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as connection:
                    connection.sendall(request)
                    answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
                    break
            except OSError:
                assert process.poll() is None, "the process ended before it answered"
                time.sleep(0.001)
        took = time.perf_counter() - began
        assert answer.split(b" ", 2)[1] == status, answer[:400]
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        return took, sum(member.memory_full_info().pss for member in family) / 2**20
    finally:
        process.terminate()
        process.wait()


def cases(place: Stage, hello: Path) -> dict[str, Callable[[], tuple[float, float]]]:
    """Return the timed commands by name."""
    command = [str(Path(sys.executable).parent / "functions-framework"), "--host", "127.0.0.1"]
    cli = [*command, "--source", str(hello), "--target", "hello"]
    own = [*command, "--source", str(ROOT / "functions" / "api" / "main.py"), "--target", "api", "--asgi"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **place.environment}
    bars = post(
        {**TICK, "ce-type": "tech.stocksalot.bars.fetched.v1", "Content-Type": "application/json"},
        bars_event(["AAPL"], ["2026-11-20T19:30:00Z", "2026-11-20T20:30:00Z"], 270.0),
    )

    message = {"Content-Type": "application/json", "Accept": "application/json"}
    unreachable = {"K_SERVICE": "mcp", "API_URL": "http://127.0.0.1:1", "INSIGHTS_URL": "http://127.0.0.1:1"}

    return {
        "functions-framework hello-world": lambda: first_answer(
            lambda port: subprocess.Popen(cli, env={**os.environ, "PORT": str(port)}), get("/"), b"200"
        ),
        "ingest, nothing due": lambda: first_answer(
            lambda port: launch("ingest", place, port), post(TICK, b""), b"204"
        ),
        "store, two bars": lambda: first_answer(lambda port: launch("store", place, port), bars, b"200"),
        "api /latest": lambda: first_answer(lambda port: launch("api", place, port), get("/latest"), b"200"),
        "mcp, its tools": lambda: first_answer(
            lambda port: subprocess.Popen(
                [sys.executable, "-m", "shared.runtime.server"],
                env={**environment, **unreachable, "HOST": "127.0.0.1", "PORT": str(port)},
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
            ),
            post(message, b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', "/mcp"),
            b"200",
        ),
        "api /latest, framework's own server": lambda: first_answer(
            lambda port: subprocess.Popen(
                own, env={**environment, "PORT": str(port)}, cwd=ROOT, stdout=subprocess.DEVNULL
            ),
            get("/latest"),
            b"200",
        ),
    }


def time_imports(runs: int) -> None:
    """Print what each import costs at start, over the bare interpreter."""
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": "postgresql://x/x", "REDIS_URL": "redis://x"}
    for _ in range(runs):
        for name, code in IMPORTS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import gc; gc.disable()\n{code}"], check=True, env=environment)
            seconds[name].append(time.perf_counter() - began)
    rows = [(name, *spread(taken)) for name, taken in seconds.items()]
    print_table(
        "Imports, whole process, collector off as in shared/runtime/server.py",
        ("import", "min ms", "median ms", "max ms"),
        rows,
    )


def main() -> None:
    """Time every case in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    time_imports(runs)
    with stage() as place, tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO)
        timed = cases(place, hello)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
        for turn in range(runs + 1):
            for name, run in timed.items():
                measured = run()
                if turn:  # the first turn warms the page cache and compiles bytecode
                    taken[name].append(measured)
    floor = median(seconds for seconds, _ in taken["functions-framework hello-world"])
    rows = [
        (
            name,
            *spread([seconds for seconds, _ in runs]),
            f"{median(s for s, _ in runs) / floor:.2f}",
            f"{median(m for _, m in runs):.0f}",
        )
        for name, runs in taken.items()
    ]
    print_table(
        f"Cold start to the first good answer, {runs} runs",
        ("case", "min ms", "median ms", "max ms", "x hello", "MiB PSS"),
        rows,
    )


if __name__ == "__main__":
    main()
