"""Whatever is killed, and whoever runs it: servers end with their run, or the next run takes them over."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from knative.local.services import postgres, start_services
from knative.local.services.postgres import Postgres
from tests.runner.servers import (
    CLIENTS,
    NOTHING_GIVEN,
    ROOT,
    RUN,
    declare_in_an_earlier_run,
    processes_of,
    read_postgres,
    server_of,
    write_postgres,
)
from tests.waiting import wait_until


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
