"""A server starts at its address of before, or says in plain words why it does not."""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from knative.local.services import PACKAGES, CannotStartError, rabbitmq_installation
from knative.local.services.postgres import Postgres
from knative.local.services.rabbitmq import RabbitMQ, needed_plugins
from knative.local.services.redis import Redis
from tests.runner.servers import (
    NOTHING_GIVEN,
    read_redis,
    write_redis,
)


def test_the_next_run_has_the_same_address(tmp_path: Path) -> None:
    """Port and password are the folder's, not the run's."""
    first = Redis(tmp_path / "redis", NOTHING_GIVEN, fast=True)
    first.start()
    first.stop()

    assert Redis(tmp_path / "redis", NOTHING_GIVEN, fast=True).url == first.url


def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    """When another program took the port between two runs, the service comes up at another one with its data."""
    first = Redis(tmp_path / "redis", NOTHING_GIVEN)
    first.start()
    write_redis(first.url, "kept")
    first.stop()

    with socket.create_server(("127.0.0.1", first.port)):
        second = Redis(tmp_path / "redis", NOTHING_GIVEN)
        second.start()

    assert second.port != first.port
    assert read_redis(second.url) == "kept"
    second.stop()


def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(tmp_path: Path) -> None:
    """After a crash the number in postmaster.pid may be another program's; that one is left alone."""
    server = Postgres(tmp_path, NOTHING_GIVEN, fast=True)
    server.start()
    stale = (server.data / "postmaster.pid").read_text().splitlines()
    server.kill()
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getppid()), *stale[1:]]) + "\n")

    server.start()

    assert server.answers()
    server.stop()


def test_an_interrupted_initdb_is_begun_again(tmp_path: Path) -> None:
    """A first start that was killed half way leaves nothing that the next one trips over."""
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18")
    server = Postgres(tmp_path, NOTHING_GIVEN, fast=True)

    server.start()

    assert server.answers()
    server.stop()


def test_data_of_another_version_is_refused_in_plain_words(tmp_path: Path) -> None:
    """Data made by another PostgreSQL is left alone, and named."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")
    server = Postgres(tmp_path, NOTHING_GIVEN, fast=True)

    with pytest.raises(CannotStartError, match=r"made by version 9: run `make run`"):
        server.start()


def test_a_port_that_is_taken_before_the_first_start_is_given_up(tmp_path: Path) -> None:
    """Between the choice of the port and the start another program may be faster."""
    server = Redis(tmp_path, NOTHING_GIVEN, fast=True)
    chosen = server.port

    with socket.create_server(("127.0.0.1", chosen)):
        server.start()

    assert server.port != chosen
    assert server.answers()
    server.stop()


def test_another_rabbitmq_on_the_port_is_not_taken_for_the_own(amqp_url: str, tmp_path: Path) -> None:
    """A node that lost its port to another one, which greets as it would itself, comes up at another port."""
    server = RabbitMQ(tmp_path, NOTHING_GIVEN, fast=True, packages=PACKAGES)
    server.port = urlsplit(amqp_url).port or 0

    server.start()

    assert server.port != urlsplit(amqp_url).port
    assert server.answers()
    server.stop()


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    """The last lines of its log are in the refusal."""
    server = Redis(tmp_path, NOTHING_GIVEN)
    (tmp_path / "appendonlydir").write_text("not a folder")

    with pytest.raises(CannotStartError, match="append-only dir"):
        server.start()


def test_rabbitmq_starts_with_what_it_is_built_on(tmp_path: Path) -> None:
    """Of the plugins only `rabbit` and all below it are taken, as the application files say."""
    lists = {"rabbit-4": "kernel, ra,\n  rabbit_common", "ra-2": "aten", "aten-1": "kernel", "rabbit_common-4": ""}
    for name, needs in (lists | {"rabbitmq_management-4": "rabbit"}).items():
        application = name.partition("-")[0]
        (tmp_path / name / "ebin").mkdir(parents=True)
        (tmp_path / name / "ebin" / f"{application}.app").write_text(
            f'{{application, {application}, [{{vsn, "1"}},\n {{applications, [{needs}]}}]}}.'
        )

    assert {plugin.name for plugin in needed_plugins(tmp_path)} == set(lists)


def test_an_unpacked_erlang_knows_where_it_lies(tmp_path: Path) -> None:
    """The scripts of Debian's Erlang name the folder they were unpacked to, also after that was moved."""
    scripts = [tmp_path / "usr/lib/erlang/bin/erl", tmp_path / "usr/lib/erlang/erts-13.1/bin/erl"]
    for script in scripts:
        script.parent.mkdir(parents=True)
        script.write_text('if [ -z "$ERL_ROOTDIR" ]\nthen\n    ROOTDIR=/usr/lib/erlang\nfi\nBINDIR="$ROOTDIR/bin"\n')

    rabbitmq_installation.set_erlang_root(tmp_path)

    expected = f'then\n    ROOTDIR={tmp_path}/usr/lib/erlang\nfi\nBINDIR="$ROOTDIR/bin"\n'
    assert [script.read_text().partition("]\n")[2] for script in scripts] == [expected] * 2
