"""The store function in the hands of a test: events as ingest would send them, and what the tables say afterwards."""

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import psycopg
import pytest
from functions_framework.aio import create_asgi_app
from psycopg.rows import tuple_row

T = TypeVar("T")

BARS = "tech.stocksalot.bars.fetched.v1"
COMPANIES = "tech.stocksalot.companies.fetched.v1"
REFUSED = "tech.stocksalot.tick.refused.v1"
TRACE = "0af7651916cd43dd8448eb211c80319c"

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
"""A week of full sessions, 14:30 to 21:00 UTC."""


def hour(index: int, day: int = 0) -> datetime:
    """The start of the 1h bar *index* (0 to 6) of the session *day* working days (0 to 4) after Monday."""
    return MONDAY + timedelta(days=day, hours=14 + index, minutes=30)


FRIDAY = hour(0, day=4)
FIRST, END = hour(0), hour(6, day=3) + timedelta(minutes=30)


def bar(start: datetime | str, close: str = "100", **figures: Any) -> dict[str, Any]:
    """A bar around *close* with the other *figures* as given."""
    text = start if isinstance(start, str) else start.isoformat().replace("+00:00", "Z")
    return {"start": text, "open": close, "high": close, "low": close, "close": close, "volume": "1000", **figures}


def fetched(
    bars: Mapping[str, Iterable[dict[str, Any]]],
    *,
    at: datetime = FRIDAY,
    source: str = "twelvedata",
    interval: str = "1h",
    confirmed_by: str | None = None,
    start: datetime = FIRST,
    end: datetime = END,
) -> dict[str, Any]:
    """The data of a bars.fetched event: *bars* by ticker, as *source* answered *at* an instant."""
    window = {"start": start.isoformat(), "end": end.isoformat(), "confirmed_by": confirmed_by}
    series = [{"ticker": ticker, "bars": list(some), **window} for ticker, some in bars.items()]
    return {"interval": interval, "source": source, "fetched_at": at.isoformat(), "series": series}


def headers(kind: str = BARS, event_id: str = "1", **extensions: str) -> dict[str, str]:
    """Return the headers of an event of type *kind* from ingest."""
    return {
        "ce-id": event_id,
        "ce-source": "/stocksalot/ingest",
        "ce-type": kind,
        "ce-specversion": "1.0",
        "content-type": "application/json",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
        **{f"ce-{name}": value for name, value in extensions.items()},
    }


@dataclass
class Store:
    """The function with its framework, called in this process on one event loop."""

    client: httpx.AsyncClient
    runner: asyncio.Runner
    database_url: str

    def post(
        self, data: Mapping[str, Any] | bytes, kind: str = BARS, event_id: str = "1", path: str = "/", **extensions: str
    ) -> httpx.Response:
        """The answer to an event."""
        return self.run(self.send(data, kind, event_id, path, **extensions))

    def deliver(self, data: Mapping[str, Any], event_id: str = "1") -> httpx.Response:
        """The answer to a bars.fetched event that is dealt with."""
        answer = self.post(data, event_id=event_id)
        assert answer.status_code == 200, answer.text
        return answer

    def post_together(self, events: Sequence[Mapping[str, Any]]) -> list[httpx.Response]:
        """The answers to *events* that are all on their way at once."""

        async def together() -> list[httpx.Response]:
            return await asyncio.gather(*(self.send(data, event_id=str(number)) for number, data in enumerate(events)))

        return self.run(together())

    def keep(self, data: Mapping[str, Any], event_id: str = "1") -> dict[str, Any]:
        """Return the counts in the reply to a bars.fetched event: inserted, revised, unchanged, rejected."""
        result = self.deliver(data, event_id).json()
        return {name: result[name] for name in ("inserted", "revised", "unchanged", "rejected")}

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """The rows that *statement* gives."""
        with psycopg.connect(self.database_url, autocommit=True, row_factory=tuple_row) as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []

    def closes(self, ticker: str = "AAPL") -> list[str]:
        """The stored closes of *ticker* in order, as Postgres writes them."""
        return [row[0] for row in self.query("SELECT close::text FROM bars WHERE ticker = %s ORDER BY start", ticker)]

    def faults(self) -> list[tuple[str, str]]:
        """Ticker and reason of each rejected bar."""
        return self.query("SELECT ticker, reason FROM rejected_bars ORDER BY ticker, start, reason")

    def epoch(self) -> int:
        """The market epoch in Postgres."""
        return self.query("SELECT epoch FROM market_epoch")[0][0]

    def tables(self, *names: str) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the tables of market data say."""
        chosen = names or ("bars", "bar_revisions", "rejected_bars", "asked_windows", "companies", "market_epoch")
        return {name: sorted(self.query(f"SELECT * FROM {name}"), key=repr) for name in chosen}

    def close(self) -> None:
        """Let go of the connections, as a copy that is scaled to zero."""
        pool = sys.modules["main"]._pool._pool
        self.run(pool.close())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let *work* run on the function's loop."""
        return self.runner.run(work)

    async def send(
        self,
        data: Mapping[str, Any] | bytes,
        kind: str = BARS,
        event_id: str = "1",
        path: str = "/",
        **extensions: str,
    ) -> httpx.Response:
        """The answer to an event, for those who wait on the function's loop themselves."""
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        return await self.client.post(path, content=content, headers=headers(kind, event_id, **extensions))


@contextmanager
def opened(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str, **settings: str) -> Iterator[Store]:
    """Load the function as its image would, with *settings* from its environment."""
    for name, value in {"DATABASE_URL": database_url, "REDIS_URL": redis_url, **settings}.items():
        monkeypatch.setenv(name, value)
    app = create_asgi_app("store", "functions/store/main.py", "http")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    with asyncio.Runner() as runner:
        yield Store(httpx.AsyncClient(transport=transport, base_url="http://store"), runner, database_url)
