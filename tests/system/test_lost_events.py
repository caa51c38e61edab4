"""A broker that loses events it has accepted: later ticks make up for each of them."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from functions_framework.aio import create_asgi_app

from knative.local.manifests import read
from shared.events.types import TICK
from tests.conftest import new_database
from tests.fake_vendors import KEY, set_clock, utc, vendors

ROOT = Path(__file__).parents[2]
TRIGGERS = read(ROOT / "knative" / "overlays" / "local").triggers
JOBS = ("bars", "companies", "insights")
ROUNDS = 8
TICKERS = ("AAPL", "KO", "MSFT")
CONTENTS = {
    "bars": "SELECT ticker, start, open, high, low, close, volume, source FROM bars ORDER BY ticker, start",
    "companies": "SELECT ticker, name, industry, source FROM companies WHERE source = 'finnhub' ORDER BY ticker",
    "ranges": "SELECT ticker, interval, settled, failures FROM asked_windows ORDER BY ticker",
    "insights": "SELECT start, place, insight FROM insights ORDER BY start, revision, place",
    "dead letters": "SELECT type, event_id FROM dead_letters ORDER BY 1, 2",
}

Headers = Mapping[str, str]


@dataclass
class Broker:
    """Broker in the test's process with the Triggers of the manifests; it loses the first *losses* of each kind."""

    runner: asyncio.Runner
    losses: int = 0
    accepted: dict[str, int] = field(default_factory=dict[str, int])
    functions: dict[str, Any] = field(default_factory=dict[str, Any])

    def publish(self, headers: Headers, body: bytes = b"{}") -> None:
        """Accept an event, and deliver it with the replies to it, or lose it."""
        kind = " ".join(headers.get(f"ce-{name}", "") for name in ("type", "job", "hourcomplete"))
        self.accepted[kind] = self.accepted.get(kind, 0) + 1
        if self.accepted[kind] <= self.losses:
            return
        for trigger in TRIGGERS:
            if all(headers.get(f"ce-{name}") == value for name, value in trigger.filter_attributes.items()):
                answer = self.runner.run(self._deliver(trigger.subscriber_name, headers, body))
                assert answer.is_success, f"{trigger.name}: {answer.status_code} {answer.text}"
                if "ce-type" in answer.headers:
                    self.publish(answer.headers, answer.content)

    async def _deliver(self, address: str, headers: Headers, body: bytes) -> httpx.Response:
        name = (urlsplit(address).hostname or "").split(".")[0]
        if name not in self.functions:
            self.functions[name] = create_asgi_app(name, str(ROOT / f"functions/{name}/main.py"), "http")
        attributes = {key: value for key, value in headers.items() if key.startswith(("ce-", "content-type"))}
        transport = httpx.ASGITransport(self.functions[name])
        async with httpx.AsyncClient(transport=transport, base_url="http://function") as client:
            return await client.post(urlsplit(address).path or "/", content=body, headers=attributes)


def contents(database_url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the tables say, without the instants of arrival."""
    with psycopg.connect(database_url) as connection:
        return {name: connection.execute(statement.encode()).fetchall() for name, statement in CONTENTS.items()}


def fill(database_url: str, redis_url: str, losses: int) -> tuple[dict[str, Any], Broker]:
    """Send the schedule's ticks round after round; return the contents at the end and the broker."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner, vendors() as finnhub:
        hands = set_clock(patch, utc("2026-11-20 21:30"))
        environment = {"PROVIDERS": "simulated", "HISTORY_SESSIONS": "3", "API_TOKEN_SECRET": "0" * 64}
        environment |= {"FINNHUB_API_KEY": KEY, "FINNHUB_BASE_URL": f"{finnhub.url}/api/v1"}
        for name, value in {**environment, "DATABASE_URL": database_url, "REDIS_URL": redis_url}.items():
            patch.setenv(name, value)
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE tickers SET active = ticker = ANY (%s)", (list(TICKERS),))
        broker = Broker(runner, losses)
        for number in range(ROUNDS):
            for job in JOBS:
                tick = {"ce-id": f"{job}-{number}", "ce-source": "/schedule", "ce-type": TICK, "ce-job": job}
                broker.publish({**tick, "ce-specversion": "1.0", "content-type": "application/json"})
            hands.forward(minutes=1)
        return contents(database_url), broker


@pytest.fixture
def other_database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """A second database with the same schema."""
    with new_database(postgres_server, urlsplit(migrated_database).path.strip("/")) as url:
        yield url


@pytest.mark.parametrize("losses", [1, 2])
def test_every_kind_of_event_may_be_lost(database_url: str, other_database: str, redis_url: str, losses: int) -> None:
    """Bars, ranges, profiles and insights are those of a broker that loses nothing.

    A tick and what ingest fetched come again, because ingest finds the same things missing; insights looks for hours
    that are due at its own ticks, whether or not it has got bars.stored.
    """
    whole, _ = fill(database_url, redis_url, 0)
    made_up, broker = fill(other_database, redis_url, losses)

    assert (len(whole["bars"]), len(whole["companies"])) == (3 * 3 * 7, 3)
    assert whole["insights"]
    assert made_up == whole
    lost = {kind.split()[0].removeprefix("tech.stocksalot.") for kind in broker.accepted}
    assert lost >= {TICK, "bars.fetched.v1", "companies.fetched.v1", "bars.stored.v1"}
