"""Two months of bars, and the function files over them."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import new_database
from tests.files.serving import serving_files
from tests.reading import Bar, hours, put, sessions


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """October and November of three tickers, one without volumes."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-10-01", "2026-11-28"))
        for ticker in ("MSFT", "AAPL"):
            put(url, [Bar(ticker, start, f"{100 + place}.{place:04}") for place, start in enumerate(starts)])
        put(url, [Bar("XOM", start, "50", None, "replay") for start in starts])
        yield url


@pytest.fixture(scope="module")
def files(database: str, module_redis_url: str) -> Iterator[httpx.Client]:
    """The function over them, its history open to everyone."""
    with serving_files(database, module_redis_url) as client:
        yield client
