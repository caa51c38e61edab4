"""Claims about the private Postgres, Redis and RabbitMQ: nothing lost, nobody disturbed, nothing left behind."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pika
import pika.exceptions
import psutil
import psycopg
import pytest
import redis

from knative.local.services import CannotStartError, Server, Services, postgres, rabbitmq_installation, start_services
from knative.local.services.postgres import Postgres
from knative.local.services.rabbitmq import needed_plugins
from knative.local.services.redis import Redis
from knative.local.services.server import MARKER
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
NOTHING_GIVEN = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}

# A run of its own: starts the services of the folder in argv, says so, and waits for ever.
RUN = """
import os, sys, signal
from pathlib import Path
from knative.local.services import start_services
services = start_services(Path(sys.argv[1]), os.environ)
print(services.postgres_url, services.redis_url, services.amqp_url or services.notes, flush=True)
signal.pause()
"""


def write_postgres(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("DELETE FROM kept")
        connection.execute("INSERT INTO kept (word) VALUES (%s)", [word])


def read_postgres(url: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT word FROM kept").fetchone()
        return row and row[0]


def write_redis(url: str, word: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("kept", word)


def read_redis(url: str) -> object:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return client.get("kept")


def write_rabbitmq(url: str, word: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        channel.basic_publish("", "kept", word.encode(), pika.BasicProperties(delivery_mode=2))


def read_rabbitmq(url: str) -> object:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        _, _, body = connection.channel().basic_get("kept", auto_ack=True)
        return body and body.decode()


CLIENTS: Mapping[str, tuple[Callable[[str, str], None], Callable[[str], object]]] = {
    "postgres": (write_postgres, read_postgres),
    "redis": (write_redis, read_redis),
    "rabbitmq": (write_rabbitmq, read_rabbitmq),
}
each_service = pytest.mark.parametrize("name", CLIENTS)


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services as `make run` starts them, not for the first time."""
    folder = tmp_path_factory.mktemp("durable")
    declare_in_an_earlier_run(folder)
    with start_services(folder, NOTHING_GIVEN) as services:
        yield services


def declare_in_an_earlier_run(folder: Path) -> None:
    """Run the services once, with a queue: RabbitMQ 3 forgets one declared less than two seconds before a crash."""
    with start_services(folder, NOTHING_GIVEN) as services:
        assert services.amqp_url, services.notes
        with pika.BlockingConnection(pika.URLParameters(services.amqp_url)) as connection:
            connection.channel().queue_declare("kept", durable=True)


def server_of(services: Services, name: str) -> Server:
    return getattr(services, name)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that carry the folder's mark or work in it."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER, "").startswith(f"{folder}/") or process.cwd().startswith(f"{folder}/"):
                found.append(process)
        except psutil.Error:
            continue
    return found


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
    """What is written to one set of services is not in the other, and stopping one leaves the other alone."""
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
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a run of its own on a folder; it and all it started end with the test."""
    runs: list[subprocess.Popen[str]] = []

    def start(folder: Path, *words: str) -> subprocess.Popen[str]:
        command = [*words, sys.executable, "-c", RUN, str(folder)]
        environment = NOTHING_GIVEN | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
        runs.append(process)
        return process

    yield start
    for process in runs:
        process.kill()
        process.communicate()
    wait_until(lambda: not processes_of(tmp_path), timeout=30)


def test_a_killed_run_takes_its_servers_with_it(run: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """A run that gets kill -9 leaves no server behind for long."""
    process = run(tmp_path / "set")
    assert process.stdout
    process.stdout.readline()
    alive = len(processes_of(tmp_path))

    process.kill()

    assert alive > 3
    wait_until(lambda: not processes_of(tmp_path), timeout=30)


def test_after_everything_was_killed_but_the_servers_the_next_run_takes_over(
    run: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Servers that outlived their run and its guards are ended, and their data is found by the next run."""
    declare_in_an_earlier_run(tmp_path / "set")
    process = run(tmp_path / "set")
    assert process.stdout
    urls = process.stdout.readline().split()
    for url, (write, _) in zip(urls, CLIENTS.values(), strict=True):
        write(url, "before all was killed")
    children = psutil.Process(process.pid).children()
    guards = [child for child in children if "guard" in child.cmdline()]
    for guard in guards:
        guard.kill()
    process.kill()
    process.wait()
    orphans = {orphan.pid for orphan in processes_of(tmp_path)}

    with start_services(tmp_path / "set", NOTHING_GIVEN) as services:
        found = [read(server_of(services, name).url) for name, (_, read) in CLIENTS.items()]
        survivors = orphans & {process.pid for process in processes_of(tmp_path)}

    assert len(guards) == 3
    assert orphans
    assert not survivors
    assert found == ["before all was killed"] * 3


def test_an_ordinary_user_gets_all_three(run: Callable[..., subprocess.Popen[str]]) -> None:
    """A user that is not root starts and uses the three services."""
    words: list[str] = []
    with TemporaryDirectory() as home:  # pytest's own folders are closed to others
        if os.geteuid() == 0:  # the right to read lets that user find a Python that lies in root's home
            right = ("--securebits=+no_setuid_fixup", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
            words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *right]
            os.chown(home, 65534, 65534)
        process = run(Path(home) / "set", *words)
        assert process.stdout
        urls = process.stdout.readline().split()

        for url, (write, read) in zip(urls, CLIENTS.values(), strict=True):
            write(url, "a user's")
            assert read(url) == "a user's"
        owners = {process.uids().real for process in processes_of(Path(home))}
        process.kill()
        wait_until(lambda: not processes_of(Path(home)), timeout=30)

    assert owners == {65534 if words else os.geteuid()}


def test_root_can_be_given_up_in_both_ways_on_the_same_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run by root, Postgres keeps its data when user namespaces become forbidden, and when they are allowed again."""
    if os.geteuid() != 0:
        pytest.skip("only root has root to give up")
    ways: list[str] = []
    found: list[object] = []

    for forbidden in ("", "unshare", ""):
        with monkeypatch.context() as patch:
            real = postgres.works
            patch.setattr(postgres, "works", lambda words, real=real, no=forbidden: words[0] != no and real(words))
            server = Postgres(tmp_path / "postgres", NOTHING_GIVEN)
        server.start()
        if not ways:
            write_postgres(server.url, "kept")
        ways.append(server.command()[0])
        found.append(read_postgres(server.url))
        server.stop()

    usual = postgres.find_account().words[0]  # setpriv also where user namespaces are forbidden anyway
    assert ways == [usual, "setpriv", usual]
    assert found == ["kept"] * 3


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

    with pytest.raises(CannotStartError, match="made by version 9"):
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

    rabbitmq_installation.make_erlang_relocatable(tmp_path)

    expected = f'then\n    ROOTDIR={tmp_path}/usr/lib/erlang\nfi\nBINDIR="$ROOTDIR/bin"\n'
    assert [script.read_text().partition("]\n")[2] for script in scripts] == [expected] * 2
