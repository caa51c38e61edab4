"""A store with a stopped clock, and a receiver of events."""

from collections.abc import Iterator

import pytest

from shared.runtime import clock
from tests.observability.receiver import Receiver
from tests.store_harness import FRIDAY, Store, opened


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[Store]:
    """The function on a fresh database, its clock standing still on a Friday."""
    monkeypatch.setattr(clock, "now", lambda: FRIDAY)
    with opened(monkeypatch, database_url, redis_url) as one:
        yield one
        one.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes everything that is sent to it."""
    one = Receiver()
    yield one
    one.close()
