"""Harness of the api: bars that a test stores, and the function that serves them, in the test's process or its own."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from functions.api.app import Api as ApiApplication
from functions.api.settings import Settings
from knative.local.services.ports import free_port
from shared.calendar.trading import Session, TradingCalendar
from shared.connections.redis import installation_key
from shared.runtime import clock
from shared.runtime.settings import read_settings
from tests.in_process import serving_handler
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent
UNLIMITED = {
    "API_TOKEN_SECRET": "a secret of the tests alone, of no other use",
    "RATE_LIMIT_ANONYMOUS": "10000000",
    "RATE_LIMIT_TOKEN": "1000000",
    "ANONYMOUS_HISTORY_DAYS": "0",
}
"""Settings of a public function without limits."""
FRIDAY_EVENING = "2026-11-20T22:00:00+00:00"

_COPY = """
    COPY bars (ticker, interval, start, open, high, low, close, volume, source, revision, received_at) FROM STDIN
"""


def at(text: str) -> datetime:
    """Return the instant of *text*, in UTC without seconds: `2026-11-20 14:30`."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Bar:
    """Hourly bar around *price*, to be stored."""

    ticker: str
    start: datetime
    price: str = "100"
    volume: int | None = 1000
    source: str = "simulated"
    revision: int = 0

    @property
    def row(self) -> tuple[object, ...]:
        """Columns of the bar: it opens at its price, ranges one dollar around it, and closes half a dollar above."""
        price = Decimal(self.price)
        received = self.start + timedelta(minutes=62)
        prices = (price, price + 1, price - 1, price + Decimal("0.5"))
        return (self.ticker, "1h", self.start, *prices, self.volume, self.source, self.revision, received)


def put(database_url: str, bars: Iterable[Bar]) -> None:
    """Store *bars* as the function store does: in one transaction that raises the market version."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for bar in bars:
                copy.write_row(bar.row)
        cursor.execute("SELECT raise_epoch()")


def change(database_url: str, statement: str, redis_url: str | None = None) -> None:
    """Change market data as store does: raise the market version in the same transaction, then publish it to Redis."""
    with psycopg.connect(database_url) as connection:
        connection.execute(statement.encode())
        row = connection.execute("SELECT raise_epoch()").fetchone()
        connection.commit()
    if redis_url and row:
        with redis.Redis.from_url(redis_url) as client:
            client.set(redis_key(database_url, "market:epoch"), row[0], ex=5)


def redis_key(database_url: str, name: str) -> str:
    """The key *name* of the installation with this database."""
    with psycopg.connect(database_url) as connection:
        [(installation,)] = connection.execute("SELECT id FROM installation").fetchall()
    return installation_key(str(installation), name)


def sessions(database_url: str, first: str, end: str) -> TradingCalendar:
    """Return the sessions of the exchange in [first, end)."""
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        rows = connection.execute(
            "SELECT date, opens, closes FROM sessions WHERE date >= %s AND date < %s ORDER BY date", (first, end)
        )
        return TradingCalendar([Session(*row) for row in rows])


def hours(market: TradingCalendar) -> list[datetime]:
    """Return the starts of all hourly bars of *market*, in order."""
    return [start for session in market.sessions for start in session.starts("1h")]


@dataclass(frozen=True)
class Api:
    """Client of the function api; *pid* is its process."""

    client: httpx.Client
    pid: int

    def get(self, path: str, status: int = 200, **headers: str) -> httpx.Response:
        """Return the response to a GET of *path* with its query; any other status fails the test."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.get(path, headers=names)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def json(self, path: str) -> Any:
        """Return the JSON at *path*, its fractions as exact decimals."""
        return self.get(path).json(parse_float=Decimal)

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return the member `items` of the JSON at *path*."""
        return self.json(path)["items"]


def _environment(database_url: str, redis_url: str, now: str | None, settings: Mapping[str, str]) -> dict[str, str]:
    clock = {"CLOCK": f"{now} {now} 0"} if now else {}
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, **UNLIMITED, **clock, **settings}


@contextmanager
def serving(database_url: str, redis_url: str, now: str | None = FRIDAY_EVENING, **settings: str) -> Iterator[Api]:
    """Run api inside the test's process, its clock standing still at *now* (None: the real time)."""
    environment = _environment(database_url, redis_url, now, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_REPLAY", clock.parse(environment.get("CLOCK")))
        app = ApiApplication(read_settings(Settings, environment))
        with serving_handler(app.respond) as client:
            yield Api(client, os.getpid())


@contextmanager
def serving_process(
    database_url: str, redis_url: str, now: str | None = FRIDAY_EVENING, **settings: str
) -> Iterator[Api]:
    """Run api as its image does, in a process of its own behind the real server."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "K_SERVICE": "api",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        **_environment(database_url, redis_url, now, settings),
    }
    process = subprocess.Popen([sys.executable, "-m", "shared.runtime.server"], cwd=ROOT, env=environment)
    try:
        plain = {"Accept-Encoding": "identity"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=plain, timeout=30) as client:
            wait_until(lambda: process.poll() is not None or _answers(client))
            assert process.poll() is None, "api ended before its first response"
            yield Api(client, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/").status_code < 500
    except httpx.TransportError:
        return False
