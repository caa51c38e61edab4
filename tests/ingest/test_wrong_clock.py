"""A clock that is wrong, and then put right: no forming bar is stored, and nothing from the future is used."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis

from tests.fake_vendors import KEY, Hands, utc, vendors
from tests.ingest.ingest_harness import IngestHarness
from tests.reading import redis_key

AHEAD = timedelta(hours=2)


@pytest.fixture
def harness(open_harness: Callable[..., IngestHarness], hands: Hands) -> Iterator[IngestHarness]:
    """Ingest and store whose clock is two hours ahead of the provider's, which is at 15:45 UTC of a session."""
    hands.at = utc("2026-11-20 17:45")
    with vendors(keys=[KEY], now=lambda: hands.at - hands.ahead) as upstream:
        hands.ahead = AHEAD
        one = open_harness(
            twelvedata_api_keys=KEY, twelvedata_base_url=upstream.url, finnhub_base_url=f"{upstream.url}/api/v1"
        )
        one.track("KO")
        yield one


def set_right(hands: Hands) -> None:
    """Put the clock back."""
    hands.at -= hands.ahead
    hands.ahead = timedelta(0)


def test_no_bar_is_final_before_the_provider_says_so(harness: IngestHarness, hands: Hands) -> None:
    """The provider's time is 15:45: the bar from 15:30 to 16:30 is in progress, whatever our clock says."""
    event = harness.work()

    assert event is not None
    assert event.series[0].bars[-1].start == utc("2026-11-20 14:30")
    assert event.fetched_at == utc("2026-11-20 15:45")


def test_the_clock_put_right_the_next_bars_come_at_once(harness: IngestHarness, hands: Hands) -> None:
    """Nothing waits for the instant at which the wrong clock stood."""
    harness.work()
    set_right(hands)
    hands.at = utc("2026-11-20 16:31:05")
    event = harness.work()

    assert event is not None
    assert event.series[0].bars[-1].start == utc("2026-11-20 15:30")


def test_records_from_the_future_are_not_used(harness: IngestHarness, hands: Hands) -> None:
    """A ticker requested, paused or fetched in the future is requested now, and the answer of now stands."""
    harness.work()
    set_right(hands)
    harness.sql("UPDATE asked_windows SET asked_at = '2026-11-20T18:31:05Z', retry_at = '2026-11-22T00:00Z'")
    harness.sql(
        "INSERT INTO bars (ticker, interval, start, open, high, low, close, source, received_at)"
        " VALUES ('KO', '1h', '2026-11-20T15:30Z', 1, 1, 1, 1, 'twelvedata', '2026-11-20T18:00Z')"
    )
    hands.at = utc("2026-11-20 17:31:05")
    event = harness.work()

    assert event is not None
    assert harness.sql("SELECT asked_at FROM asked_windows") == [hands.at]
    assert harness.sql("SELECT close > 1 FROM bars WHERE start = '2026-11-20T15:30Z'") == [True]
    assert harness.sql("SELECT close, received_at FROM bar_revisions WHERE start = '2026-11-20T15:30Z'") != []


def test_the_operator_is_warned(
    harness: IngestHarness, database_url: str, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the difference, and Redis has it for /status."""
    with caplog.at_level(logging.WARNING):
        harness.work()

    assert "this machine's clock is 7200 s ahead of that of twelvedata: set it" in caplog.messages
    with redis.Redis.from_url(redis_url) as client:
        assert client.hgetall(redis_key(database_url, "clock:offsets")) == {b"twelvedata": b"7200"}
