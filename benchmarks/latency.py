"""From an event's acceptance by the broker to the bar in `/latest`, through every part, with warm functions.

`python -m benchmarks.latency [--runs 60]`. A reader asks `/latest` without pause, which is the worst case for a cache.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from benchmarks.stage import CLOCK, TICK
from benchmarks.table import print_table, quantiles
from shared.events.types import BarsFetched
from tests.running import running

NEWEST = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)


def bars_fetched(run: int) -> bytes:
    """The data of an event that revises AAPL's newest bar once more; its close is the number of the run (USD)."""
    close = f"{270 + run / 100:.2f}"
    bar = {"start": NEWEST.isoformat(), "open": "270", "high": "280", "low": "260", "close": close, "volume": "1000"}
    window = {"start": NEWEST.isoformat(), "end": (NEWEST + timedelta(minutes=30)).isoformat()}
    data = {
        "interval": "1h",
        "source": "benchmark",
        "fetched_at": (NEWEST + timedelta(hours=1, seconds=run)).isoformat(),
        "series": [{"ticker": "AAPL", **window, "bars": [bar]}],
    }
    return json.dumps(data).encode()


def time_event(client: httpx.Client, ingress: str, url: str, run: int) -> float:
    """Seconds from the broker's 202 to the first answer of `/latest` that has the event's close."""
    headers = {**TICK, "ce-id": f"run-{run}", "ce-type": BarsFetched.TYPE, "content-type": "application/json"}
    client.post(ingress, headers=headers, content=bars_fetched(run)).raise_for_status()
    accepted = time.perf_counter()
    while time.perf_counter() < accepted + 10:
        items = client.get(f"{url}/api/latest").raise_for_status().json()["items"]
        if next(item["close"] for item in items if item["ticker"] == "AAPL") == 270 + run / 100:
            return time.perf_counter() - accepted
    raise RuntimeError(f"the bar of run {run} did not appear within ten seconds")


def main() -> None:
    """Time many events, one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    runs = parser.parse_args().runs
    environment = {"CLOCK": CLOCK, "HISTORY_SESSIONS": "10"}
    with (
        tempfile.TemporaryDirectory(prefix="stocksalot-bench-") as folder,
        running(Path(folder), environment, "--manual", "--min-scale", "1") as system,
        httpx.Client(timeout=30) as client,
    ):
        while system.tick().led_to == BarsFetched.TYPE:
            pass
        ingress = system.status()["ingress"]
        taken = [time_event(client, ingress, system.url, run) for run in range(1, runs + 6)][5:]
    print_table(
        "Event accepted to bar visible in /latest",
        ("runs", "p10 ms", "median ms", "p90 ms", "max ms"),
        [(runs, *quantiles(taken))],
    )


if __name__ == "__main__":
    main()
