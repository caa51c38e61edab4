"""Whole systems on the servers of the test run, with a database, queues and a Redis of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from tests.conftest import new_database
from tests.running import System, delete_queues, running

StartSystem = Callable[..., System]
"""Starts a system by options of `up`; keywords are its environment."""


@pytest.fixture(scope="session")
def start_session_system(
    postgres_server: str, migrated_database: str, amqp_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartSystem]:
    """A function that starts a whole system until the end of the run; see `start_system`."""
    with systems(postgres_server, migrated_database, amqp_url, tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def start_system(
    postgres_server: str, migrated_database: str, amqp_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartSystem]:
    """A function that starts a whole system until the end of the file, by its options and environment.

    It has a database and queues of its own on this run's servers, and a Redis of its own: a RabbitMQ takes the machine
    five seconds to start.
    """
    with systems(postgres_server, migrated_database, amqp_url, tmp_path_factory) as start:
        yield start


@contextmanager
def systems(server: str, template: str, amqp_url: str, folders: pytest.TempPathFactory) -> Iterator[StartSystem]:
    """Yield a function that starts systems; they end with the block."""
    with ExitStack() as stack:

        def start(*options: str, **environment: str) -> System:
            folder = folders.mktemp("system")
            stack.callback(delete_queues, amqp_url, folder)
            database = stack.enter_context(new_database(server, template=urlsplit(template).path[1:]))
            given = {"DATABASE_URL": database, "AMQP_URL": amqp_url, **environment}
            return stack.enter_context(running(folder, given, *options))

        yield start
