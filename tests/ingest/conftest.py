"""A harness for a test: ingest and store on real services, with the fake vendors."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from functions.ingest.publication import clock_offsets
from tests.fake_vendors import KEY, OTHER_KEY, Hands, Vendors, set_clock, vendors
from tests.ingest.ingest_harness import FRIDAY_EVENING, IngestHarness


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A clock, some minutes after a session's last bar."""
    return set_clock(monkeypatch, FRIDAY_EVENING)


@pytest.fixture
def open_harness(
    monkeypatch: pytest.MonkeyPatch, hands: Hands, database_url: str, redis_url: str
) -> Iterator[Callable[..., IngestHarness]]:
    """A function that starts ingest and store; keywords are their environment."""
    for name in ("PROVIDERS", "TWELVEDATA_API_KEYS", "FINNHUB_API_KEY", "REPLAY_FILES"):
        monkeypatch.delenv(name, raising=False)
    clock_offsets.clear()

    with asyncio.Runner() as runner:

        def start(**environment: str) -> IngestHarness:
            settings = {"database_url": database_url, "redis_url": redis_url} | environment
            for name, value in settings.items():
                monkeypatch.setenv(name.upper(), value)
            return IngestHarness(runner, database_url, hands)

        yield start


@pytest.fixture
def upstream(hands: Hands) -> Iterator[Vendors]:
    """The fake vendors with two keys."""
    with vendors(keys=[KEY, OTHER_KEY]) as both:
        yield both


@pytest.fixture
def open_real_harness(open_harness: Callable[..., IngestHarness], upstream: Vendors) -> Callable[..., IngestHarness]:
    """A function that starts ingest and store with the real clients on the fake vendors."""

    def start(**environment: str) -> IngestHarness:
        real = {
            "twelvedata_api_keys": KEY,
            "twelvedata_base_url": upstream.url,
            "alpaca_key_id": KEY,
            "alpaca_secret_key": OTHER_KEY,
            "alpaca_base_url": upstream.url,
            "yahoo_base_url": upstream.url,
            "finnhub_base_url": f"{upstream.url}/api/v1",
        }
        return open_harness(**real | environment)

    return start
