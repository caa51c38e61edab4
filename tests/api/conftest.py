"""Databases with two bars or three months of them, the api over the latter, and servers to be stopped."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from functions.store.migrate import migrate
from knative.local.services.postgres import Postgres
from knative.local.services.redis import Redis
from tests.conftest import new_database
from tests.reading import Api, Bar, at, hours, put, serving_process, sessions


@pytest.fixture
def stored(database_url: str) -> str:
    """A database with two bars."""
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30")), Bar("MSFT", at("2026-11-20 20:30"))])
    return database_url


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Three months of AAPL, and accounts."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        put(url, [Bar("AAPL", start) for start in hours(sessions(url, "2026-08-20", "2026-11-21"))])
        yield url


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over the file's database, on Friday evening."""
    with serving_process(database, module_redis_url) as api:
        yield api


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A private Redis, to be stopped."""
    server = Redis(tmp_path / "redis", os.environ, fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A private Postgres with the schema and two bars, to be stopped."""
    server = Postgres(tmp_path / "postgres", os.environ, fast=True)
    server.start()
    migrate(server.url)
    put(server.url, [Bar("AAPL", at("2026-11-20 20:30")), Bar("MSFT", at("2026-11-20 20:30"))])
    yield server
    server.stop()
