"""Ingest, store and api together at the special moments of the calendar, on a clock that the test moves."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest

from shared.cache import response_cache
from tests.api.test_moved_clock import MOMENTS, zulu
from tests.fake_vendors import KEY, Hands, vendors
from tests.fakes.market_data.market import Market, read_market
from tests.ingest.conftest import hands as hands
from tests.ingest.conftest import open_harness as open_harness
from tests.ingest.ingest_harness import IngestHarness
from tests.reading import Api, at, serving


@pytest.fixture
def system(
    monkeypatch: pytest.MonkeyPatch,
    open_harness: Callable[..., IngestHarness],
    hands: Hands,
    database_url: str,
    redis_url: str,
) -> Iterator[tuple[IngestHarness, Api]]:
    """Ingest and store with AAPL alone, a vendor that lives by the exchange's own calendar, and api."""
    monkeypatch.setattr("shared.cache.market_version.CHECK_SECONDS", 0)
    monkeypatch.setattr(response_cache, "_PREPARED_SECONDS", 0)
    market = Market(read_market(date(2026, 10, 1), date(2027, 3, 31)))
    with vendors(market, keys=[KEY], now=hands) as upstream, serving(database_url, redis_url, None) as api:
        harness = open_harness(
            twelvedata_api_keys=KEY, twelvedata_base_url=upstream.url, providers="twelvedata", history_sessions="2"
        )
        harness.track("AAPL")
        yield harness, api


def test_the_whole_system_keeps_up_with_the_calendar(system: tuple[IngestHarness, Api], hands: Hands) -> None:
    """At each moment a tick brings exactly what has finished: nothing is behind, stale, early or asked for in vain."""
    harness, api = system
    newest_before = ""
    for name, now, newest, state, due in sorted(MOMENTS, key=lambda row: row[1]):
        hands.at = at(now)
        before = api.json("/status")["behind"]
        harness.work()
        nothing_more = harness.work()
        status, latest = api.json("/status"), api.json("/latest")

        found = [status["newest_finished_bar"], status["market"]["state"], status["next_bar_due"], status["behind"]]
        assert found == [zulu(at(newest)), state, zulu(at(due)), 0], name
        assert (before, nothing_more) == (int(newest != newest_before), None), name
        assert [item["datetime"] for item in latest["items"]] == [zulu(at(newest))], name
        assert (status["stale"], latest["stale"]) == (False, False), name
        newest_before = newest
