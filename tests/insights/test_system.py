"""Insights in the whole system, as a person starts it: there within seconds, and no door for strangers' events."""

import time
from decimal import Decimal
from pathlib import Path

import httpx

from tests.fakes.language_model.server import Fake, serving
from tests.recompute import by_ticker, half_up, recompute
from tests.running import running
from tests.waiting import wait_until

EVENING = "2026-11-20T22:00:00+00:00"
EVENT = {"ce-id": "1", "ce-source": "x", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}


def test_a_fresh_start_has_insights_within_seconds(
    tmp_path: Path, database_url: str, redis_url: str, system_amqp_url: str
) -> None:
    """By the rules, then by a model where a key is given; figures hold; events are taken from the broker alone."""
    fake = Fake()
    with serving(fake) as model:
        environment = {
            "CLOCK": f"{EVENING} {EVENING} 0",
            "OPENAI_API_KEY": "sk-fake",
            "OPENAI_BASE_URL": model,
            "HISTORY_SESSIONS": "25",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "AMQP_URL": system_amqp_url,
        }
        with running(tmp_path, environment) as system:
            began = time.monotonic()
            wait_until(lambda: system.get("/insights")["count"] > 0, 60)
            took = time.monotonic() - began
            wait_until(lambda: system.get("/insights")["items"][0]["generator"] == "model", 60)
            newest = system.get("/insights")["items"][0]
            facts = [fact for insight in newest["insights"] for fact in insight["facts"]]
            for fact in facts:
                answer = httpx.get(f"{system.url}/api{fact['link']}", timeout=30).json(parse_float=Decimal)
                starts = set(fact["bars"]["starts"])
                bars = by_ticker([bar for bar in answer["items"] if bar["datetime"] in starts])
                assert half_up(recompute(fact, bars), 6) == Decimal(str(fact["value"]))
            doors = {
                path: httpx.post(f"{system.url}{path}", headers=EVENT, content=b"{}").status_code
                for path in ("/api/insights", "/api/insights/events", "/api/events", "/events")
            }
            tick = system.tick("insights")

    assert took < 30
    assert (newest["datetime"], newest["source"]) == ("2026-11-20T20:30:00Z", "simulated")
    assert 5 <= len(newest["insights"]) <= 7
    assert len(facts) >= 5
    assert len(fake.calls) == 1
    assert set(doors.values()) <= {404, 405}
    assert tick.code == 204
