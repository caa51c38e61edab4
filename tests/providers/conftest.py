"""Stand-in vendors, a clock, and ingest's settings for them."""

from collections.abc import Callable, Iterator

import pytest

from functions.ingest.settings import Settings
from shared.runtime.settings import read_settings
from tests.fake_vendors import KEY, OTHER_KEY, Hands, Vendors, set_clock, vendors
from tests.providers.fetching import SATURDAY


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A clock on a Saturday, at the start of a minute."""
    return set_clock(monkeypatch, SATURDAY)


@pytest.fixture(scope="module")
def served() -> Iterator[Vendors]:
    """Both vendors, with the simulated market and two good keys."""
    with vendors(keys=[KEY, OTHER_KEY]) as both:
        yield both


@pytest.fixture
def upstream(served: Vendors, hands: Hands) -> Vendors:
    """Both vendors, without a memory of other tests."""
    served.forget()
    return served


@pytest.fixture
def make_settings(upstream: Vendors, redis_url: str) -> Callable[..., Settings]:
    """A function that gives ingest's settings for the fake vendors; keywords replace or add."""

    def make(**more: str) -> Settings:
        environment = {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "REDIS_URL": redis_url,
            "TWELVEDATA_API_KEYS": KEY,
            "TWELVEDATA_BASE_URL": upstream.url,
            "ALPACA_KEY_ID": KEY,
            "ALPACA_SECRET_KEY": OTHER_KEY,
            "ALPACA_BASE_URL": upstream.url,
            "YAHOO_BASE_URL": upstream.url,
            "FINNHUB_API_KEY": KEY,
            "FINNHUB_BASE_URL": f"{upstream.url}/api/v1",
            "PROVIDER_TIMEOUT_SECONDS": "5",
        }
        return read_settings(Settings, environment | {name.upper(): value for name, value in more.items()})

    return make
