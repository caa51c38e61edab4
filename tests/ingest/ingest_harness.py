"""Ingest and store in the test's own process, with a clock that it moves, and bars to talk about."""

import asyncio
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
from functions_framework.aio import create_asgi_app

from functions.ingest.gaps import TickerHistory
from shared.events.types import Bar, BarsFetched
from tests.fake_vendors import Hands, exchange, utc

ROOT = Path(__file__).parents[2]
GRACE = timedelta(seconds=60)
FRIDAY_EVENING = utc("2026-11-20 21:05")
SESSIONS = exchange().sessions


def starts(first: str, end: str) -> list[datetime]:
    """The starts of all hourly bars in [first, end)."""
    return exchange().starts("1h", utc(first), utc(end))


def history_of(ticker: str, newest: str, source: str = "twelvedata") -> TickerHistory:
    """Return the history of a ticker that was never requested."""
    return TickerHistory(ticker, utc(newest), source, None)


def bar(start: datetime, close: str = "10", **more: Any) -> Bar:
    """A flat bar."""
    price = Decimal(close)
    return Bar(**{"start": start, "open": price, "high": price, "low": price, "close": price, "volume": 1} | more)


class IngestHarness:
    """Ingest and store in this process, on a real Postgres and Redis, with a clock that the test moves."""

    def __init__(self, runner: asyncio.Runner, database_url: str, hands: Hands) -> None:
        self.clock = hands
        self.database_url = database_url
        self._runner = runner
        self._ingest = create_asgi_app("ingest", str(ROOT / "functions/ingest/main.py"), "http")
        self._store = create_asgi_app("store", str(ROOT / "functions/store/main.py"), "http")

    def tick(self, data: Any = b"", **attributes: str) -> httpx.Response:
        """Return the response of ingest to a tick; keywords are attributes of the event."""
        event = {"id": "tick-1", "source": "/test", "type": "dev.knative.sources.ping", "specversion": "1.0"}
        headers = {f"ce-{name}": value for name, value in (event | attributes).items()}
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.post(body, headers)

    def post(self, body: bytes, headers: dict[str, str], *, store: bool = False) -> httpx.Response:
        """Return the response of ingest (or store) to a POST."""
        return self._runner.run(self._post(self._store if store else self._ingest, body, headers))

    def together(self, count: int) -> list[httpx.Response]:
        """Return the responses of ingest to *count* ticks at the same time."""

        async def all_at_once() -> list[httpx.Response]:
            headers = {"ce-source": "/test", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}
            ticks = (self._post(self._ingest, b"", headers | {"ce-id": f"tick-{number}"}) for number in range(count))
            return await asyncio.gather(*ticks)

        return self._runner.run(all_at_once())

    def work(self, data: Any = b"") -> BarsFetched | None:
        """Tick, hand the reply to store, and return it."""
        answer = self.tick(data)
        if answer.status_code == 204:
            return None
        stored = self.post(answer.content, dict(answer.headers), store=True)
        assert (answer.status_code, stored.status_code) == (200, 200), (answer.text, stored.text)
        return BarsFetched.from_json(answer.content)

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement, its only column unpacked."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            rows = cursor.fetchall() if cursor.description else []
        return [row[0] if len(row) == 1 else row for row in rows]

    def track(self, *tickers: str) -> None:
        """Track these alone."""
        self.sql("UPDATE tickers SET active = ticker = ANY (%s)", list(tickers))

    async def _post(self, app: Any, body: bytes, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://function") as client:
            return await client.post("/", content=body, headers=headers)


def fetched(answer: httpx.Response) -> BarsFetched:
    """The event that a tick was answered with."""
    assert (answer.status_code, answer.headers["ce-type"]) == (200, BarsFetched.TYPE), answer.text
    return BarsFetched.from_json(answer.content)
