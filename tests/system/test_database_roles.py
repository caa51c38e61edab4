"""Each function at work as its own database role of roles.sql, on a real Postgres."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.accounts import serving_tokens
from tests.alerts_harness import receiving, serving_alerts
from tests.alerts_harness import set_clock as set_alerts_clock
from tests.api.asking import PATHS
from tests.fake_vendors import set_clock
from tests.ingest.ingest_harness import FRIDAY_EVENING, IngestHarness
from tests.insights_harness import full_market, serving_insights
from tests.reading import Bar, at, put, serving
from tests.store_harness import bar, fetched, hour, opened

ROLES_SQL = Path(__file__).parents[2] / "functions" / "store" / "roles.sql"
ROLES = [f"stocksalot_{name}" for name in ("ingest", "store", "api", "insights", "token", "alerts")]


@pytest.fixture
def roles(database_url: str) -> Iterator[str]:
    """The roles on the test's database; they go with it."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(ROLES_SQL.read_bytes())
        yield database_url
        for role in ROLES:
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())


def as_role(url: str, function: str) -> str:
    """The address at which sessions have the role of *function*."""
    return f"{url}?options={quote(f'-c role=stocksalot_{function}')}"


def test_api_reads_all_its_paths(roles: str, redis_url: str) -> None:
    """Every endpoint answers, tokens are looked up, and nothing needs a right that the role lacks."""
    put(roles, [Bar("AAPL", at("2026-11-20 20:30"))])

    with serving(as_role(roles, "api"), redis_url) as api:
        paths = (*PATHS, "/ohlc?interval=1w", "/movers?kind=losers")
        found = {path: api.client.get(path).status_code for path in paths}

    assert set(found.values()) == {200}, found


def test_alerts_judges_and_delivers(roles: str, redis_url: str) -> None:
    """Rules of every kind, a webhook, an event, a tick, and what fired."""
    kinds = (
        {"kind": "price", "direction": "above", "amount": 100},
        {"kind": "change", "basis": "previous_close", "direction": "any", "amount": 1},
        {"kind": "volume", "amount": 1},
        {"kind": "extreme", "direction": "high", "span": "52_weeks"},
        {"kind": "insight"},
        {"kind": "missing"},
    )
    with receiving() as receiver, serving_alerts(as_role(roles, "alerts"), redis_url, tokens_url=roles) as alerts:
        owner = alerts.owner("owner")
        owner.webhook(receiver)
        for parts in kinds:
            owner.ask("POST", "/alerts", 201, json={"ticker": "AAPL", **parts})
        set_alerts_clock("2026-11-20T21:02:00+00:00")
        put(roles, [Bar("AAPL", at("2026-11-20 19:30"), "100")])
        alerts.tick()
        fired = {one["sentence"].split()[3] for one in owner.firings()}

    assert fired == {"AAPL", "a"}
    assert len(receiver.ids()) == len(set(receiver.ids())) >= 2


def test_token_keeps_accounts(roles: str, redis_url: str) -> None:
    """Registration, login, tokens, rotation, revocation and the end of the account."""
    with serving_tokens(as_role(roles, "token"), redis_url) as tokens:
        person = tokens.person("anna")
        made = person.make()
        person.ask("POST", f"/tokens/{made['id']}/rotate", 201)
        person.ask("DELETE", "/tokens?kind=all", 204)
        again = tokens.log_in("anna")

    assert again.status_code == 200


def test_store_writes_bars(roles: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars, a revision, a rejected bar, a dead letter, and the operator's answers."""
    with opened(monkeypatch, as_role(roles, "store"), redis_url) as store:
        first = store.keep(fetched({"AAPL": [bar(hour(0)), bar(hour(1), low="200")]}), "1")
        second = store.keep(fetched({"AAPL": [bar(hour(0), "101")]}, at=hour(1, day=4)), "2")
        store.post(b"x", event_id="3")
        answers = [store.run(store.client.get(path)).status_code for path in ("/metrics", "/dead-letters")]

    assert (first["inserted"], first["rejected"], second["revised"]) == (1, 1, 1)
    assert answers == [200, 200]


def test_ingest_reads_what_is_missing(roles: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick of bars and one of companies."""
    for name in ("TWELVEDATA_API_KEYS", "FINNHUB_API_KEY", "REPLAY_FILES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROVIDERS", "simulated")
    monkeypatch.setenv("DATABASE_URL", as_role(roles, "ingest"))
    monkeypatch.setenv("REDIS_URL", redis_url)
    hands = set_clock(monkeypatch, FRIDAY_EVENING)
    with asyncio.Runner() as runner:
        harness = IngestHarness(runner, roles, hands)
        codes = [harness.tick().status_code, harness.tick(job="companies").status_code]

    assert codes == [200, 204]


def test_insights_writes_and_reads_hours(roles: str, redis_url: str) -> None:
    """An event leads to insights of the newest hours, which readers get."""
    full_market(roles)

    with serving_insights(as_role(roles, "insights"), redis_url) as insights:
        answer = insights.event()
        count = len(insights.items())

    assert (answer.status_code, count > 0) == (200, True)
