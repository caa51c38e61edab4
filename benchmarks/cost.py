"""Cost of a trading hour without readers: how long each function has a copy running, in real time.

`python -m benchmarks.cost [--minutes 15]`. The real schedule runs on a clock that shows a trading hour, against the
fake upstream with about the free plan's budget (7 symbols a minute), so that 50 tickers take their eight ticks as they
do with real keys. Copies end when the manifests say; a cluster may keep each up to 30 s longer.
"""

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.table import print_table
from tests.running import running

BEFORE, BEGIN = "2026-11-18T15:20:00+00:00", "2026-11-18T15:28:30+00:00"
"""A Wednesday, 10:20 and 10:28:30 in New York: the hour's nine ticks are due at minutes 31 to 39."""
_STEP = 0.25
_SETTLED_SECONDS = 120
"""Time until the functions that the start of the system woke have scaled to zero."""


def clock(shown: str) -> dict[str, str]:
    """The environment in which all processes see the instant *shown* now."""
    return {"CLOCK": f"{shown} {datetime.now(UTC).isoformat()} 1"}


def fill(folder: Path) -> None:
    """Fill the history of 50 tickers up to the hour before, and stop."""
    environment = {**clock(BEFORE), "HISTORY_SESSIONS": "10"}
    with running(folder, environment, "--upstream", "fake", "--manual") as system:
        for _ in range(10):
            if system.tick().code == 204:
                return


def watch(folder: Path, minutes: float) -> dict[str, tuple[float, int, int]]:
    """Return by function: seconds of running copies, copies started, requests, over *minutes* of the hour."""
    environment = {**clock(BEGIN), "HISTORY_SESSIONS": "10", "TWELVEDATA_CREDITS_PER_MINUTE": "1"}
    seconds: dict[str, float] = {}
    pids: dict[str, set[int]] = {}
    requests: dict[str, int] = {}
    with running(folder, environment, "--upstream", "fake") as system, httpx.Client(timeout=10) as client:
        address = f"{system.gateway()}/-/status"
        time.sleep(_SETTLED_SECONDS)
        before = {one["name"]: one["requests"] for one in client.get(address).json()["functions"]}
        last = time.monotonic()
        end = last + minutes * 60
        while last < end:
            time.sleep(_STEP)
            functions = client.get(address).raise_for_status().json()["functions"]
            now = time.monotonic()
            for one in functions:
                name = one["name"]
                seconds[name] = seconds.get(name, 0) + len(one["pids"]) * (now - last)
                pids.setdefault(name, set()).update(one["pids"])
                requests[name] = one["requests"] - before[name]
            last = now
    return {name: (seconds[name], len(pids[name]), requests[name]) for name in seconds}


def main() -> None:
    """Watch one hour and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="stocksalot-bench-") as folder:
        fill(Path(folder))
        found = watch(Path(folder), minutes)
    rows = [(name, f"{one[0]:.0f}", str(one[1]), str(one[2])) for name, one in sorted(found.items())]
    rows.append(("all", f"{sum(one[0] for one in found.values()):.0f}", "", ""))
    print_table(f"{minutes:g} minutes of a trading hour", ("function", "pod-seconds", "starts", "requests"), rows)


if __name__ == "__main__":
    main()
