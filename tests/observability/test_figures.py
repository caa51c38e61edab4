"""Figures survive every process: they are counted in the transaction that does what they count."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import redis

from shared.runtime import clock, clock_check
from tests.observability.figures import figures
from tests.reading import redis_key
from tests.store_harness import FRIDAY, Store, bar, fetched, hour


def test_what_came_of_bars_is_counted_for_good(store: Store) -> None:
    """Inserted, revised, unchanged and rejected bars are counted by source, whichever copy worked and is gone."""
    one, other = bar(hour(0)), bar(hour(1))
    store.deliver(fetched({"AAPL": [one, other]}), "1")
    store.deliver(fetched({"AAPL": [one, other]}), "2")
    store.deliver(fetched({"AAPL": [bar(hour(0), "101"), bar(hour(2), low="200")]}), "3")

    found = figures(store)

    counts = {
        outcome: found[f'stocksalot_bars_total{{outcome="{outcome}",source="twelvedata"}}']
        for outcome in ("inserted", "revised", "unchanged", "rejected")
    }
    assert found['stocksalot_events_total{source="twelvedata"}'] == 3
    assert counts["inserted"] == 2
    assert counts["rejected"] == 1
    assert counts["revised"] + counts["unchanged"] == 3


def test_an_event_that_fails_is_not_counted(store: Store) -> None:
    """The count is of the same transaction: what is undone was never counted."""
    store.query("ALTER TABLE market_epoch RENAME TO gone")
    failed = store.post(fetched({"AAPL": [bar(hour(0))]}))
    store.query("ALTER TABLE gone RENAME TO market_epoch")

    assert failed.status_code == 500
    assert not [name for name in figures(store) if name.startswith("stocksalot_events_total")]


def test_lag_is_since_the_newest_hour_that_a_ticker_lacks(store: Store, database_url: str) -> None:
    """The lag counts from the end of the newest finished bar, as long as one active ticker lacks it, and is 0 after."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE tickers SET active = ticker IN ('AAPL', 'MSFT')")
    last = hour(6, day=3)
    store.deliver(fetched({"AAPL": [bar(last)]}), "1")
    behind = figures(store)
    store.deliver(fetched({"MSFT": [bar(last)]}), "2")
    whole = figures(store)

    assert behind["stocksalot_tickers"] == 2
    assert behind["stocksalot_tickers_behind"] == 1
    assert behind["stocksalot_ingest_lag_seconds"] == (FRIDAY - last).total_seconds() - 1800
    assert whole["stocksalot_tickers_behind"] == 0
    assert whole["stocksalot_ingest_lag_seconds"] == 0


def test_credits_are_those_that_ingest_has_counted(store: Store, database_url: str, redis_url: str) -> None:
    """Credits spent of the current minute and day, of all keys; those of other minutes are no longer spent."""
    with redis.Redis.from_url(redis_url) as client:
        for name, value in {
            f"credits:twelvedata:a:minute:{FRIDAY:%Y-%m-%dT%H:%M}": 8,
            f"credits:twelvedata:b:minute:{FRIDAY:%Y-%m-%dT%H:%M}": 3,
            "credits:twelvedata:a:minute:2026-11-20T14:29": 8,
            f"credits:twelvedata:a:day:{FRIDAY:%Y-%m-%d}": 100,
        }.items():
            client.set(name, value)
        client.hset("credits:twelvedata:limits", mapping={"minute": 8, "day": 800})
        client.set(redis_key(database_url, "credit-keys"), '{"twelvedata": ["a", "b"]}')

    found = figures(store)

    assert found['stocksalot_provider_credits_used{provider="twelvedata",window="minute"}'] == 11
    assert found['stocksalot_provider_credits_limit{provider="twelvedata",window="minute"}'] == 16
    assert found['stocksalot_provider_credits_used{provider="twelvedata",window="day"}'] == 100
    assert found["stocksalot_redis_up"] == 1


def test_the_clock_is_compared_with_each_provider(store: Store, database_url: str, redis_url: str) -> None:
    """As ingest measured it at the last answer, ahead or behind."""
    with redis.Redis.from_url(redis_url) as client:
        client.hset(redis_key(database_url, "clock:offsets"), mapping={"twelvedata": 75, "finnhub": -2})

    found = figures(store)

    assert found['stocksalot_clock_offset_seconds{clock="twelvedata"}'] == 75
    assert found['stocksalot_clock_offset_seconds{clock="finnhub"}'] == -2


def test_the_clock_is_compared_with_the_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the second, where no other time is replayed."""
    monkeypatch.setattr(clock, "_REPLAY", None)
    monkeypatch.setattr(clock_check.clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=90))

    assert figures(store)['stocksalot_clock_offset_seconds{clock="database"}'] in (89, 90, 91)
