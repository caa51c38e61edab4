"""Sixty sessions of a few stocks, the api over them, and the names of their bars."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.conftest import new_database
from tests.reading import Api, Bar, hours, put, serving, sessions

HISTORY = ("2026-09-01", "2026-11-28")


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Sixty sessions of AAPL and MSFT, each bar a dollar above the last; XOM has every third bar, KO five days."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, *HISTORY))
        bars = [Bar(ticker, start, f"{100 + place}.10", 1000 + place) for ticker in ("AAPL", "MSFT")
                for place, start in enumerate(starts)]  # fmt: skip
        bars += [Bar("XOM", start, "50", None) for start in starts[::3]]
        bars += [Bar("KO", start, "60", source="replay") for start in hours(sessions(url, "2026-11-02", "2026-11-07"))]
        put(url, bars)
        yield url


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over that history, on the evening of the half day after Thanksgiving."""
    with serving(database, module_redis_url, "2026-11-27T22:00:00+00:00") as api:
        yield api


def starts_of(database: str, first: str, end: str) -> list[str]:
    """The names of all hourly bars of the sessions in [first, end)."""
    return [f"{start:%Y-%m-%dT%H:%M:%SZ}" for start in hours(sessions(database, first, end))]
