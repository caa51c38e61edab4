"""Requests a second through the runner's front door, beside the same function on its own port.

`python -m benchmarks.front_door [--seconds 3] [--rounds 3]`. 16 connections kept alive; cases take turns. The processor
time of each process tells what a request costs, whatever else the machine does.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
import psutil

from benchmarks.api import CONNECTIONS, HELLO, Case, load
from benchmarks.stage import ROOT
from benchmarks.table import print_table
from knative.local.application import Application, Environment, Function, Route
from knative.local.cluster import Cluster, Connections
from knative.local.event_loop import run
from knative.local.listener import bind

NAME = ("bench", "hello")


async def serve(folder: Path) -> None:
    """Run a cluster with one function, print the addresses of its two ends, and go on until killed."""
    (folder / "hello.py").write_text(HELLO)
    function = Function(
        *NAME, Environment({}, frozenset(), {}), public=True, concurrency=0, target=100,
        min_scale=1, max_scale=1, timeout=60, idle=60,
    )  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "FUNCTION_SOURCE": str(folder / "hello.py")}
    public = bind(0)
    front = f"http://127.0.0.1:{public[0].getsockname()[1]}"
    routes = [Route(["localhost"], "/api", "/", NAME)]
    application = Application(("bench", "events"), {NAME: function}, [], [], [], routes)
    async with Cluster(application, {NAME: environment}, folder, Connections(public)) as cluster:
        async with httpx.AsyncClient() as client:
            (await client.get(f"{front}/api/")).raise_for_status()
        [replica] = cluster.activator.revisions[NAME].replicas
        print(json.dumps([f"http://127.0.0.1:{replica.port}/", f"{front}/api/"]), flush=True)
        await asyncio.Event().wait()


@contextmanager
def start_both() -> Iterator[tuple[list[str], list[psutil.Process]]]:
    """Yield the URLs of the function's own port and of the front door, and their processes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.front_door", "--serve", folder]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        try:
            urls = json.loads(process.stdout.readline())
            runner = psutil.Process(process.pid)
            [function] = [one for one in runner.children() if "shared.runtime.server" in one.cmdline()]
            yield urls, [function, runner]
        finally:
            process.terminate()
            process.wait()


def processor_seconds(processes: list[psutil.Process]) -> list[float]:
    """Return the processor time that each process has used."""
    return [times.user + times.system for times in (one.cpu_times() for one in processes)]


def main() -> None:
    """Measure both in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        run(serve(options.serve))
        return
    costs: dict[str, list[list[float]]] = {}
    with start_both() as ((own, front), processes):
        cases = [Case("function's own port", own, ""), Case("front door", front, "")]
        for _ in range(options.rounds):
            for case in cases:
                before = processor_seconds(processes)
                rate, slowest = load(case, options.seconds)
                used = zip(before, processor_seconds(processes), strict=True)
                costs.setdefault(case.name, []).append(
                    [(end - start) / (rate * options.seconds) * 1e6 for start, end in used]
                )
                case.rates.append(rate)
                case.slowest.append(slowest)
    alone = median(cases[0].rates)
    print_table(
        f"Hello-world, {CONNECTIONS} connections, {options.rounds} rounds of {options.seconds:g} s",
        ("case", "requests/s", "min", "max", "p99 ms", "of its own", "function us", "runner us"),
        [
            (
                case.name,
                f"{median(case.rates):.0f}",
                f"{min(case.rates):.0f}",
                f"{max(case.rates):.0f}",
                f"{median(case.slowest):.1f}",
                f"{median(case.rates) / alone:.2f}",
                *(f"{median(one):.0f}" for one in zip(*costs[case.name], strict=True)),
            )
            for case in cases
        ],
    )


if __name__ == "__main__":
    main()
