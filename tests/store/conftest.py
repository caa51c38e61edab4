"""The function on a fresh database, for each test."""

from collections.abc import Iterator

import pytest

from tests.store_harness import Store, opened


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[Store]:
    """The function on a fresh database."""
    with opened(monkeypatch, database_url, redis_url) as one:
        yield one
