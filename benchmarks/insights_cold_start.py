"""Cold start of a read of /insights beside api's /latest, in turns, with Redis empty and with what they left there.

`python -m benchmarks.insights_cold_start [--runs 15]`. CPU time, because other processes share the machine.
"""

import argparse
import resource
from collections.abc import Callable
from statistics import median

import httpx
import redis

from benchmarks.cold_start import first_answer, get
from benchmarks.stage import TICK, Stage, function, launch, stage
from benchmarks.table import print_table, spread


def cases(place: Stage) -> dict[str, Callable[[], tuple[float, float]]]:
    """Return the cases by name; each returns its seconds, and the CPU seconds of its process from start to end."""

    def flushed(name: str, path: str) -> tuple[float, float]:
        with redis.Redis.from_url(place.redis_url) as cache:
            cache.flushdb()
        return repeated(name, path)

    def repeated(name: str, path: str) -> tuple[float, float]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        took, _ = first_answer(lambda port: launch(name, place, port), get(path), b"200")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return {
        "api /latest, Redis empty": lambda: flushed("api", "/latest"),
        "api /latest, again": lambda: repeated("api", "/latest"),
        "insights /insights, Redis empty": lambda: flushed("insights", "/insights"),
        "insights /insights, again": lambda: repeated("insights", "/insights"),
    }


def main() -> None:
    """Time every case in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with stage() as place:
        with function("insights", place) as insights:
            httpx.post(f"{insights}/events", headers=TICK, timeout=60).raise_for_status()
        timed = cases(place)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
        for turn in range(runs + 1):
            for name, run in timed.items():
                measured = run()
                if turn:  # the first turn warms the page cache and compiles bytecode
                    taken[name].append(measured)
    floor = {name: (median(s for s, _ in runs), min(c for _, c in runs)) for name, runs in taken.items()}
    rows = []
    for name, measured in taken.items():
        time, cpu = floor[name.replace("insights /insights", "api /latest")]
        least = min(cpu for _, cpu in measured)
        of_api = f"{floor[name][0] / time:.2f}", f"{least * 1000:.0f}", f"{least / cpu:.2f}"
        rows.append((name, *spread([seconds for seconds, _ in measured]), *of_api))
    head = ("case", "min ms", "median ms", "max ms", "x api", "min CPU ms", "x api")
    print_table(f"Cold start of a read, {runs} runs", head, rows)


if __name__ == "__main__":
    main()
