"""Private servers keep their data and their address, and given ones are used as they are."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pika
import pika.exceptions
import psycopg
import pytest
import redis

from knative.local.services import CannotStartError, Services, postgres, rabbitmq_installation, start_services
from knative.local.services.postgres import Postgres
from tests.runner.servers import (
    CLIENTS,
    NOTHING_GIVEN,
    declare_in_an_earlier_run,
    each_service,
    processes_of,
    server_of,
)


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services as `make run` starts them, not for the first time."""
    folder = tmp_path_factory.mktemp("durable")
    declare_in_an_earlier_run(folder)
    with start_services(folder, NOTHING_GIVEN) as services:
        yield services


@each_service
def test_stopped_and_started_again_it_keeps_its_data_and_its_address(durable: Services, name: str) -> None:
    """A service that is stopped and started is found at the same address with what was written."""
    write, read = CLIENTS[name]
    server = server_of(durable, name)
    address = server.url
    write(address, f"before the stop of {name}")

    server.stop()
    refused = not server.answers()
    server.start()

    assert refused
    assert server.url == address
    assert read(address) == f"before the stop of {name}"


@each_service
def test_killed_and_started_again_it_keeps_what_was_confirmed(durable: Services, name: str) -> None:
    """After kill -9: the committed row, the key and the confirmed persistent message are there."""
    write, read = CLIENTS[name]
    server = server_of(durable, name)
    write(server.url, f"before the death of {name}")

    server.kill()
    server.start()

    assert read(server.url) == f"before the death of {name}"


@each_service
def test_nobody_gets_in_without_the_password(durable: Services, name: str) -> None:
    """Other users of the machine reach the port, but neither the data nor the file with the password."""
    server = server_of(durable, name)
    read = CLIENTS[name][1]

    with pytest.raises((psycopg.OperationalError, redis.AuthenticationError, pika.exceptions.AMQPError)):
        read(server.url.replace(server.password, "wrong"))
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700


def test_two_sets_do_not_disturb_each_other(durable: Services, stoppable_services: Services) -> None:
    """Data written to one set of services is not in the other, and stopping one leaves the other alone."""
    for name, (write, _) in CLIENTS.items():
        write(server_of(durable, name).url, "ours")
        write(server_of(stoppable_services, name).url, "theirs")

    stoppable_services.stop()

    assert {name: read(server_of(durable, name).url) for name, (_, read) in CLIENTS.items()} == dict.fromkeys(
        CLIENTS, "ours"
    )


def test_a_stopped_set_leaves_no_process_behind(tmp_path: Path) -> None:
    """After stop no process of the folder lives, RabbitMQ's port mapper included."""
    services = start_services(tmp_path, NOTHING_GIVEN, fast=True)
    alive = len(processes_of(tmp_path))

    services.stop()

    assert alive > 3
    assert processes_of(tmp_path) == []


@pytest.fixture
def given(postgres_server: str, redis_server: str, amqp_url: str) -> dict[str, str]:
    """An environment that names three servers which are up."""
    return {"DATABASE_URL": postgres_server, "REDIS_URL": redis_server, "AMQP_URL": amqp_url}


def test_given_servers_are_used_and_none_is_started(given: dict[str, str], tmp_path: Path) -> None:
    """With the three addresses in the environment these are the addresses, and no process is started or stopped."""
    with start_services(tmp_path, given) as services:
        assert [services.postgres_url, services.redis_url, services.amqp_url] == list(given.values())
        assert processes_of(tmp_path) == []

    with psycopg.connect(given["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "AMQP_URL"])
def test_a_given_server_that_is_not_there_is_named(given: dict[str, str], port: int, tmp_path: Path, name: str) -> None:
    """A given address that nobody answers at is refused by the variable's name, without the password in it."""
    scheme = given[name].partition(":")[0]
    environment = given | {name: f"{scheme}://me:secret@127.0.0.1:{port}/1"}

    with pytest.raises(CannotStartError, match=name) as refusal:
        start_services(tmp_path, environment)

    assert "secret" not in str(refusal.value)


def test_a_folder_serves_one_run_at_a_time(given: dict[str, str], tmp_path: Path) -> None:
    """A second run on a folder in use is refused with the number of the process that uses it; a later run is not."""
    with start_services(tmp_path, given), pytest.raises(CannotStartError, match=f"in use by process {os.getpid()}"):
        start_services(tmp_path, given)

    start_services(tmp_path, given).stop()


def test_without_rabbitmq_a_note_says_what_to_install(
    given: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine with neither RabbitMQ nor Debian's tools gets no broker's address, and a note instead of a crash."""
    monkeypatch.setattr(rabbitmq_installation, "SERVERS", ())
    monkeypatch.setattr(rabbitmq_installation, "ERLANGS", ())
    environment = given | {"AMQP_URL": "", "PATH": str(tmp_path)}

    with start_services(tmp_path / "set", environment, packages=tmp_path / "packages") as services:
        assert services.amqp_url is None
        assert "apt-get install rabbitmq-server" in services.notes[0]


def test_without_postgres_the_refusal_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine for which no binaries exist is told so."""
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)
    monkeypatch.setattr(postgres, "PLACES", ())

    with pytest.raises(CannotStartError, match="apt-get install postgresql"):
        Postgres(tmp_path, {"PATH": str(tmp_path)})
