"""Cold start: from starting the process to its first good response, beside the framework's own hello-world.

`python -m benchmarks.cold_start [--runs 15]`. The cases take turns, so that a slow moment of the machine meets all.
What single imports cost: `python -X importtime -m shared.runtime.server`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from benchmarks.first_response import measure
from benchmarks.stage import ROOT, TICK, Stage, bars_event, function, stage
from benchmarks.table import print_table, spread
from shared.auth.token_format import new_token

HELLO = """
import functions_framework.aio

@functions_framework.aio.http
async def hello(request):
    return "hello"

if __name__ == "__main__":
    import os, sys, uvicorn
    app = functions_framework.aio.create_asgi_app("hello", __file__)
    uvicorn.run(app, host=os.environ["HOST"], port=int(os.environ["PORT"]), log_level="warning")
"""
"""A function of the framework's asyncio mode, and as a program the same in one process of uvicorn."""
SERVER = ["python", "-m", "shared.runtime.server"]


def post(headers: Mapping[str, str], body: bytes, path: str = "/") -> str:
    """Return an HTTP/1.1 POST."""
    return _request(f"POST {path}", {**headers, "Content-Length": str(len(body))}) + body.decode()


def get(path: str, headers: Mapping[str, str] = {}) -> str:
    """Return an HTTP/1.1 GET."""
    return _request(f"GET {path}", headers)


def _request(line: str, headers: Mapping[str, str]) -> str:
    lines = [f"{name}: {value}" for name, value in {"Host": "x", "Connection": "close", **headers}.items()]
    return "\r\n".join([f"{line} HTTP/1.1", *lines, "", ""])


def requests() -> dict[str, tuple[str, str]]:
    """Return the first request of each function and the status of its good response."""
    starts = ["2026-11-20T19:30:00Z", "2026-11-20T20:30:00Z"]
    fetched = {**TICK, "ce-type": "tech.stocksalot.bars.fetched.v1", "Content-Type": "application/json"}
    message = {"Content-Type": "application/json", "Accept": "application/json"}
    return {
        "page": (get("/"), "200"),
        "ingest": (post(TICK, b""), "204"),
        "store": (post(fetched, bars_event(["AAPL"], starts, 270.0)), "200"),
        "token": (get("/tokens", {"Authorization": f"Bearer {new_token()}"}), "401"),
        "api": (get("/latest"), "200"),
        "insights": (get("/insights"), "200"),
        "alerts": (get("/alerts", {"Authorization": f"Bearer {new_token()}"}), "401"),
        "files": (get("/files/manifest.json"), "200"),
        "mcp": (post(message, b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', "/mcp"), "200"),
    }


@contextmanager
def prepare_stage() -> Iterator[Stage]:
    """A filled system with insights, where mcp's addresses are those of nobody."""
    with stage() as place, function("insights", place) as insights:
        httpx.post(f"{insights}/events", headers=TICK, timeout=60).raise_for_status()
        yield Stage(
            {
                **place.environment,
                "API_URL": "http://127.0.0.1:1",
                "INSIGHTS_URL": "http://127.0.0.1:1",
                "ALERTS_URL": "http://127.0.0.1:1",
            }
        )


def cases(place: Stage, hello: Path) -> dict[str, Callable[[], tuple[float, float, float]]]:
    """Return the measurements by name, hello-world first."""
    environment = {**place.environment, "PYTHONPATH": str(ROOT)}
    framework = [str(Path(sys.executable).parent / "functions-framework"), "--host", "127.0.0.1"]
    api = [*framework, "--source", str(ROOT / "functions/api/main.py"), "--target", "api", "--asgi"]
    (latest, status) = requests()["api"]

    def own(name: str, request: str, expected: str) -> Callable[[], tuple[float, float, float]]:
        command = [sys.executable, *SERVER[1:]]
        return lambda: measure(command, {**environment, "K_SERVICE": name}, request, expected, str(ROOT))

    return {
        "hello-world in one process": lambda: measure([sys.executable, str(hello)], {}, get("/"), "200"),
        "hello-world, framework's server": lambda: measure(
            [*framework, "--source", str(hello), "--target", "hello", "--asgi"], {}, get("/"), "200"
        ),
        **{name: own(name, *first) for name, first in requests().items() if name != "page"},
        "api, framework's server": lambda: measure(api, environment, latest, status, str(ROOT)),
    }


def print_in_turns(title: str, timed: Mapping[str, Callable[[], tuple[float, float, float]]], runs: int) -> None:
    """Measure all cases in turns and print them; the others are compared with the first."""
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in timed}
    for turn in range(runs + 1):
        for name, run in timed.items():
            measured = run()
            if turn:  # the first turn warms the page cache and compiles bytecode
                taken[name].append(measured)
    floor = min(cpu for _, cpu, _ in next(iter(taken.values())))
    rows = []
    for name, measured in taken.items():
        seconds, cpu, memory = zip(*measured, strict=True)
        rows.append((name, *spread(seconds), *spread(cpu)[:2], f"{min(cpu) / floor:.2f}", f"{median(memory):.0f}"))
    head = ("case", "min ms", "median ms", "max ms", "min ms of CPU", "median", "x hello", "MiB PSS")
    print_table(f"{title}, {runs} runs", head, rows)


def main() -> None:
    """Time every case in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with prepare_stage() as place, tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO)
        print_in_turns("Cold start to the first good response", cases(place, hello), runs)


if __name__ == "__main__":
    main()
