"""Real servers for the tests: those of DATABASE_URL, REDIS_URL and AMQP_URL, else private ones, started at first use.

A test whose server cannot be started fails and names the package to install; it does not skip.
"""

import os
import secrets
import ssl
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from hypothesis import settings
from psycopg.sql import SQL, Identifier

from knative.local.services import PACKAGES, Services, ports, start_services
from knative.local.services.postgres import Postgres
from knative.local.services.rabbitmq import RabbitMQ
from knative.local.services.redis import Redis
from tests.running import delete_queues
from tests.secret_scan import find_secrets
from tests.temporary_files import use_memory

use_memory()
# Nearly all requests of tests are plain HTTP; httpx would read all certificates for each, 40 ms of processor time.
ssl.create_default_context = cache(ssl.create_default_context)
pytest_plugins = ["tests.browser", "tests.order", "tests.systems"]
# A busy machine is no failure of the code: tests have their own time limit.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

CLAIM = "claimed-by-test-run"
REAL_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Fail a test when its output, or that of a process that it started, contains a secret."""
    report = yield
    if report.outcome == "passed" and (found := find_secrets("\n".join(text for _, text in report.sections))):
        report.outcome, report.longrepr = "failed", "The logs contain a secret.\n" + "\n".join(found)
    return report


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that returns an unused port."""
    return ports.free_port


@pytest.fixture
def port() -> int:
    """An unused port."""
    return ports.free_port()


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """A function from a file's name to its path in the folder of real bars; the test is skipped where it is absent."""

    def path(name: str) -> Path:
        if not (REAL_DATA / name).exists():
            pytest.skip(f"the real bars are not here: ../shared/data/{name}, beside the checkout")
        return REAL_DATA / name

    return path


@pytest.fixture(scope="session")
def services_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run's servers keep data and logs."""
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def postgres_server(services_folder: Path) -> Iterator[str]:
    """The address of a Postgres server that is up for the whole run."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    server = Postgres(services_folder / "postgres", os.environ, fast=True)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def redis_server(services_folder: Path) -> Iterator[str]:
    """The address of a Redis server that is up for the whole run."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    server = Redis(services_folder / "redis", os.environ, fast=True)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def amqp_url(services_folder: Path) -> Iterator[str]:
    """The address of a RabbitMQ that is up for the whole run; what a test declares on it, it names uniquely."""
    if given := os.environ.get("AMQP_URL"):
        yield given
        return
    server = RabbitMQ(services_folder / "rabbitmq", os.environ, fast=True, packages=PACKAGES)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def system_amqp_url(amqp_url: str, tmp_path: Path) -> Iterator[str]:
    """RabbitMQ for whole systems; each has queues of its own, which go with the test."""
    yield amqp_url
    delete_queues(amqp_url, tmp_path)


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database, made for this run."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_database(postgres_server: str) -> Iterator[str]:
    """A database with the schema, to be cloned and never written to."""
    from functions.store.migrate import migrate

    with new_database(postgres_server) as url:
        migrate(url)
        yield url


@pytest.fixture
def database_url(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """A fresh database with the schema."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        yield url


@pytest.fixture(scope="session")
def redis_database(redis_server: str) -> Iterator[str]:
    """The address of an empty database number on the Redis server, ours for the whole run."""
    if not os.environ.get("REDIS_URL"):
        yield redis_server
        return
    number = claim_redis_database(redis_server)
    url = urlsplit(redis_server)._replace(path=f"/{number}").geturl()
    yield url
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture
def redis_url(redis_database: str) -> str:
    """An empty Redis database."""
    return _emptied(redis_database)


@pytest.fixture(scope="module")
def module_redis_url(redis_database: str) -> str:
    """An empty Redis database for the tests of a module that share their functions."""
    return _emptied(redis_database)


def _emptied(redis_database: str) -> str:
    with redis.Redis.from_url(redis_database) as client, client.pipeline() as together:
        together.flushdb()
        if os.environ.get("REDIS_URL"):
            together.set(CLAIM, os.getpid())
        together.execute()
    return redis_database


@pytest.fixture
def still_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let functions in the test's process count requests and attempts in one minute, the first of the hour."""
    begun = time.time() // 3600 * 3600 + 1
    still = SimpleNamespace(time=lambda: begun, monotonic=time.monotonic)
    for module in ("shared.auth.rate_limit", "shared.auth.attempts"):
        monkeypatch.setattr(f"{module}.time", still)


@pytest.fixture
def stoppable_services(tmp_path: Path) -> Iterator[Services]:
    """Three private servers of the test's own, to be stopped, killed and started."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    with start_services(tmp_path / "services", environment, fast=True) as services:
        assert services.amqp_url, services.notes
        yield services


@contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    """Make a database on *server* and drop it afterwards; yield its address."""
    name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
    # Copying files beats writing pages through the log as long as nothing has to reach the disk.
    strategy = SQL("WAL_LOG" if os.environ.get("DATABASE_URL") else "FILE_COPY")
    create = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(create.format(Identifier(name), Identifier(template), strategy))
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def claim_redis_database(server: str) -> int:
    """Return the number of an empty database on the given *server*, marked as ours: what lies in others stays."""
    for number in range(15, 0, -1):
        url = urlsplit(server)._replace(path=f"/{number}").geturl()
        with redis.Redis.from_url(url) as client:
            if client.dbsize() == 0 and client.set(CLAIM, os.getpid(), nx=True):
                return number
    pytest.fail("REDIS_URL: databases 1 to 15 all hold data; the tests need an empty one")
