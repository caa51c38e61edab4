"""A filled system to measure on: services, schema, sixty simulated sessions, and single functions started by hand."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from functions.store.migrate import migrate
from knative.local.services.ports import free_port
from knative.local.services.postgres import Postgres
from knative.local.services.redis import Redis

ROOT = Path(__file__).parent.parent
CLOCK = "2026-11-20T22:00:00+00:00 2026-11-20T22:00:00+00:00 0"
"""A Friday evening after the close: the same bars in every run, and nothing due once they are there."""

UNLIMITED = {
    "API_TOKEN_SECRET": "a secret of the benchmarks alone, of no other use",
    "RATE_LIMIT_ANONYMOUS": "1000000000",
    "RATE_LIMIT_TOKEN": "1000000000",
    "ANONYMOUS_HISTORY_DAYS": "0",
}
"""Counted like everybody, but never too much."""

TICK = {"ce-id": "bench", "ce-source": "/benchmarks", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}


@dataclass(frozen=True)
class Stage:
    """Environment variables that lead functions to the services."""

    environment: Mapping[str, str]

    @property
    def database_url(self) -> str:
        """Postgres with the schema and the history."""
        return self.environment["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        """Redis, empty or with the keys that functions wrote."""
        return self.environment["REDIS_URL"]


@contextmanager
def stage(*, filled: bool = True) -> Iterator[Stage]:
    """Start a private Postgres and Redis with the schema and, unless *filled* is off, the history; stop them after."""
    with tempfile.TemporaryDirectory(prefix="stocksalot-bench-") as folder:
        postgres, redis = Postgres(Path(folder) / "postgres", os.environ), Redis(Path(folder) / "redis", os.environ)
        try:
            postgres.start()
            redis.start()
            migrate(postgres.url)
            services = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
            place = Stage({**services, **UNLIMITED, "CLOCK": CLOCK, "PROVIDERS": "simulated"})
            if filled:
                fill(place)
            yield place
        finally:
            redis.stop()
            postgres.stop()


def fill(place: Stage) -> None:
    """Run ingest and store, without a broker between them, until nothing is due."""
    with function("ingest", place) as ingest, function("store", place) as store:
        while (fetched := httpx.post(ingest, headers=TICK, timeout=60)).status_code == 200:
            headers = {
                name: value for name, value in fetched.headers.items() if name.startswith(("ce-", "content-type"))
            }
            httpx.post(store, headers=headers, content=fetched.content, timeout=60).raise_for_status()
        assert fetched.status_code == 204, f"ingest answered {fetched.status_code}: {fetched.text}"


@contextmanager
def function(name: str, place: Stage) -> Iterator[str]:
    """Run function *name* as its image would and give its URL once it listens."""
    port = free_port()
    process = launch(name, place, port)
    try:
        url = f"http://127.0.0.1:{port}"
        until_listening(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def launch(name: str, place: Stage, port: int) -> subprocess.Popen[bytes]:
    """Start the process of function *name* on *port* and return at once."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "K_SERVICE": name,
        **place.environment,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "shared.runtime.server"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )


def until_listening(url: str) -> None:
    """Return when something answers at *url*; RuntimeError after 20 seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.005)
        else:
            return
    raise RuntimeError(f"nothing answers at {urlsplit(url).netloc}")


def bars_event(tickers: list[str], starts: list[str], price: float = 100.0) -> bytes:
    """The data of a bars.fetched event: one bar a ticker and start, prices in USD around *price*."""
    bars = [
        {
            "start": start,
            "open": f"{price}",
            "high": f"{price + 1}",
            "low": f"{price - 1}",
            "close": f"{price}",
            "volume": "1000",
        }
        for start in starts
    ]
    series = [{"ticker": ticker, "start": starts[0], "end": starts[-1], "bars": bars} for ticker in tickers]
    fetched = {"interval": "1h", "source": "benchmark", "fetched_at": "2026-11-20T22:00:00Z", "series": series}
    return json.dumps(fetched).encode()
