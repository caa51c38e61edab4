"""The function alerts with a database for each test file, an account for each test, and a receiver of webhooks."""

import hashlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.alerts_harness import BEFORE, Alerts, Market, Owner, Receiver, receiving, serving_alerts
from tests.alerts_world import World, serving_world
from tests.conftest import new_database


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """The database of this test file."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        yield url


@pytest.fixture(scope="module")
def alerts(database: str, module_redis_url: str) -> Iterator[Alerts]:
    """The function alerts."""
    with serving_alerts(database, module_redis_url) as alerts:
        yield alerts


@pytest.fixture
def owner(alerts: Alerts, request: pytest.FixtureRequest) -> Owner:
    """A new account."""
    return alerts.owner(hashlib.md5(request.node.name.encode()).hexdigest())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def market(database_url: str, redis_url: str) -> Iterator[Market]:
    """A database of the test's own, in which rules were stated before the session."""
    with serving_alerts(database_url, redis_url, BEFORE) as alerts:
        yield Market(alerts)


@pytest.fixture
def world() -> Iterator[World]:
    """Receivers of push, mail and ntfy."""
    with serving_world() as world:
        yield world


@pytest.fixture
def connected(database_url: str, redis_url: str, world: World) -> Iterator[Market]:
    """A market whose alerts have every kind of channel."""
    with serving_alerts(database_url, redis_url, BEFORE, **world.settings) as alerts:
        yield Market(alerts)
