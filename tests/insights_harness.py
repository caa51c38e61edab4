"""Harness of insights: a market that a test stores, the function in the test's process, and its events."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest

from functions.insights.app import InsightsApp
from functions.insights.settings import Settings
from shared.calendar.trading import TradingCalendar
from shared.runtime import clock
from shared.runtime.settings import read_settings
from tests.in_process import serving_handler
from tests.reading import hours, sessions

SECRET = "a secret for tests, long enough for the key of hashes"
FRIDAY = "2026-11-20T21:30:00+00:00"
"""After the close of a full session."""
TICK = "dev.knative.sources.ping"
STORED = "tech.stocksalot.bars.stored.v1"

_COPY = "COPY bars (ticker, interval, start, open, high, low, close, volume, source, revision, received_at) FROM STDIN"
Row = tuple[object, ...]


def trading_days(database_url: str, count: int, last: str = "2026-11-20") -> TradingCalendar:
    """The newest *count* sessions up to the one of date *last*."""
    known = sessions(database_url, "2025-01-01", "2028-01-01").sessions
    return TradingCalendar([session for session in known if str(session.date) <= last][-count:])


def random_walk(
    tickers: Sequence[str], starts: Sequence[datetime], seed: int = 1, source: str = "simulated"
) -> list[Row]:
    """Rows of `bars`: for each of *tickers* a price that wanders, and volume that comes and goes."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for ticker in tickers:
        price = Decimal(chance.randrange(2000, 90000)) / 100
        for start in starts:
            opening = price * (1 + Decimal(chance.gauss(0, 0.002)).quantize(Decimal("0.0001")))
            close = opening * (1 + Decimal(chance.gauss(0, 0.006)).quantize(Decimal("0.0001")))
            opening, close = (value.quantize(Decimal("0.01")) for value in (opening, close))
            high = max(opening, close) + Decimal(chance.randrange(0, 200)) / 100
            low = min(opening, close) - Decimal(chance.randrange(0, 200)) / 100
            volume = int(chance.lognormvariate(13, 0.5))
            rows.append((ticker, "1h", start, opening, high, low, close, volume, source, 0, start))
            price = close
    return rows


def put_rows(database_url: str, rows: Sequence[Row]) -> None:
    """Store *rows* of `bars`, as store does: in one transaction that raises the epoch."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute("SELECT raise_epoch()")


def active_tickers(database_url: str) -> list[str]:
    """The tickers that are tracked."""
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT ticker FROM tickers WHERE active ORDER BY ticker")]


def keep_active(database_url: str, tickers: Sequence[str]) -> None:
    """Track *tickers* only."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE tickers SET active = ticker = ANY (%s)", (list(tickers),))


def full_market(database_url: str, count: int = 24, last: str = "2026-11-20", seed: int = 1) -> list[datetime]:
    """Store *count* sessions of all 50 tickers and return the starts of their bars."""
    starts = hours(trading_days(database_url, count, last))
    put_rows(database_url, random_walk(active_tickers(database_url), starts, seed))
    return starts


@dataclass(frozen=True)
class Insights:
    """Client of the function insights."""

    client: httpx.Client
    database_url: str

    def event(self, kind: str = STORED, event_id: str = "1", **extensions: str) -> httpx.Response:
        """The answer to an event, as a Trigger sends it."""
        return self.client.post("/events", headers=event_headers(kind, event_id, **extensions), content=b"{}")

    def word(self, reply: httpx.Response) -> httpx.Response:
        """The answer to the event that asks for a model's words: *reply*, as the Trigger brings it back."""
        assert reply.headers.get("ce-words") == "wanted", "no model words were requested"
        headers = {name: value for name, value in reply.headers.items() if name.startswith("ce-")}
        return self.client.post(
            "/events", headers={**headers, "content-type": "application/json"}, content=reply.content, timeout=70
        )

    def events_together(self, count: int, kind: str = STORED) -> list[int]:
        """Send *count* events at once and return their status codes."""
        with ThreadPoolExecutor(count) as pool:
            responses = pool.map(lambda number: self.event(kind, str(number)), range(count))
            return [response.status_code for response in responses]

    def get(self, query: str = "", status: int = 200, **headers: str) -> httpx.Response:
        """The answer to GET /insights; any other status fails the test."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.get(f"/insights{query}", headers=names)
        assert answer.status_code == status, f"{answer.status_code} {answer.text[:500]}"
        return answer

    def items(self, query: str = "") -> list[dict[str, Any]]:
        """The hours that GET /insights gives, fractions as exact decimals."""
        return self.get(query).json(parse_float=Decimal)["items"]

    def all_items(self, query: str = "?limit=35") -> list[dict[str, Any]]:
        """Every hour, page by page."""
        items, asked = [], query
        while True:
            answer = self.get(asked).json(parse_float=Decimal)
            items += answer["items"]
            if not answer["next_cursor"]:
                return items
            asked = f"{query}&cursor={answer['next_cursor']}"

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """The rows that *statement* gives."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []


def event_headers(kind: str, event_id: str, **extensions: str) -> dict[str, str]:
    """Return the headers of an event of type *kind*."""
    return {
        "ce-id": event_id,
        "ce-source": "/stocksalot/store",
        "ce-type": kind,
        "ce-specversion": "1.0",
        "content-type": "application/json",
        **{f"ce-{name}": value for name, value in extensions.items()},
    }


@contextmanager
def serving_insights(
    database_url: str, redis_url: str, now: str | None = FRIDAY, **settings: str
) -> Iterator[Insights]:
    """Run insights inside the test's process, its clock standing still at *now*."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "API_TOKEN_SECRET": SECRET,
        "RATE_LIMIT_ANONYMOUS": "100000",
        **({"CLOCK": f"{now} {now} 0"} if now else {}),
        **settings,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_REPLAY", clock.parse(environment.get("CLOCK")))
        app = InsightsApp(read_settings(Settings, environment))
        with serving_handler(app.respond) as client:
            yield Insights(client, database_url)


def at(text: str) -> datetime:
    """An instant, written without seconds and offset: `2026-11-20 14:30` is UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
