"""`python -m knative.local up`, with an application of one page: it starts, works, and leaves nothing."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import psutil
import pytest

from knative.local.__main__ import main as command_line
from knative.local.processes import MARK, end_leftovers, spawn
from tests.runner.application import write_overlay
from tests.running import ROOT, delete_queues, running
from tests.waiting import wait_until


@pytest.fixture
def overlay(tmp_path: Path, amqp_url: str) -> Iterator[Path]:
    """The manifests of the application, whose queues are taken away afterwards."""
    namespace = f"up{secrets.token_hex(4)}"
    yield write_overlay(tmp_path, namespace)
    delete_queues(amqp_url, tmp_path)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def given(postgres_url: str, redis_url: str, amqp_url: str) -> Mapping[str, str]:
    """The environment of a run on the servers of this test run."""
    return {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "AMQP_URL": amqp_url}


def verb(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Return the outcome of a verb that ends by itself."""
    command = [sys.executable, "-m", "knative.local", *arguments, "--folder", str(folder)]
    given = {**os.environ, **(environment or {})}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


def children(folder: Path) -> list[int]:
    """The processes that belong to the run in *folder*."""
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder.resolve()):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def test_it_runs_any_application_and_leaves_nothing(overlay: Path, given: Mapping[str, str], tmp_path: Path) -> None:
    """An application that is not StocksALot runs with its schedules: functions answer, ticks arrive by job and by
    name, verbs show it, SIGTERM ends all."""
    folder = tmp_path / "run"
    with running(folder, {**given, "NAME": "somebody"}, "--overlay", str(overlay), "--idle", "600") as system:
        found = httpx.get(f"{system.url}/api/", timeout=20).json()
        outcome = system.tick("greet", {"to": "you"})
        ticked = verb(folder, "tick", "yearly")
        unknown = verb(folder, "tick", "nonsense")
        replayed = verb(folder, "replay")
        status = verb(folder, "status")
        logs = verb(folder, "logs", "sink")
        no_logs = verb(folder, "logs", "nobody")
        were_there = children(folder)
        modes = [(folder / name).stat().st_mode & 0o777 for name in ("running.json", "identity")]

    assert (found["GREETING"], found["NAME"]) == ("hello", "somebody")
    assert found["DATABASE_URL"] == given["DATABASE_URL"]
    assert "AMQP_URL" not in found
    assert (outcome.code, outcome.led_to) == (204, None)
    assert (ticked.returncode, ticked.stdout) == (0, "yearly: responded 204\n")
    assert (unknown.returncode, unknown.stderr) == (1, "error: no PingSource has the name or the job nonsense\n")
    assert (replayed.returncode, replayed.stderr) == (1, "error: there is no action replay\n")
    assert all(name in status.stdout for name in ("shop", "sink", "greetings", "yearly", "postgres"))
    assert given["DATABASE_URL"] not in status.stdout
    assert 'took {"to": "you"}\n' in logs.stdout
    assert no_logs.returncode == 1
    assert "migrated" in system.logs("migration")
    assert len(were_there) == 2
    assert modes == [0o600, 0o600]
    assert system.process.returncode == 0
    assert system.process.stdout is not None
    assert system.process.stdout.read() == "", "ready is all there is to say"
    assert children(folder) == []
    assert not (folder / "running.json").exists()


def test_only_its_user_reaches_a_run_and_no_second_one_disturbs_it(
    overlay: Path, given: Mapping[str, str], tmp_path: Path
) -> None:
    """Gateway and ingress answer 404 without the secret of the run, and pages of a browser reach no action.

    `up` beside a running one on the same port ends at once and says who is there, and that one is unharmed.
    """
    folder = tmp_path / "run"
    with running(folder, given, "--overlay", str(overlay), "--manual") as system:
        gateway, ingress = system.gateway(), system.status()["ingress"]
        tick = httpx.post(f"{gateway}/-/tick?name=greet", headers={"Origin": "https://example.org"})
        without = [
            httpx.post(re.sub(r"/[0-9a-f]{32}", secret, url))
            for url in (f"{gateway}/-/tick?name=greet", f"{gateway}/{overlay.parent.name}/sink/", ingress)
            for secret in ("", "/" + 32 * "0")
        ]
        second = verb(folder, "up", "--overlay", str(overlay), "--port", system.url.rpartition(":")[2])
        unharmed = httpx.get(f"{system.url}/api/", timeout=20)

    assert tick.status_code == 403
    assert [answer.status_code for answer in without] == [404] * 6
    assert (second.returncode, unharmed.status_code) == (1, 200)
    assert re.search(rf"in use by another run, pid {system.process.pid}, since 20", second.stderr)


def test_a_taken_port_is_told_at_once(overlay: Path, tmp_path: Path) -> None:
    """`up` starts nothing when another program has the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        refused = verb(tmp_path / "run", "up", "--overlay", str(overlay), "--port", str(port))

    assert refused.returncode == 1
    assert f"port {port} cannot be used (Address already in use)" in refused.stderr
    assert not (tmp_path / "run").exists()


def test_functions_end_with_a_killed_runner(overlay: Path, given: Mapping[str, str], tmp_path: Path) -> None:
    """After kill -9 of the runner its functions end by themselves; the next `up` starts without them."""
    folder = tmp_path / "run"
    with running(folder, given, "--overlay", str(overlay), "--manual") as system:
        httpx.get(f"{system.url}/api/", timeout=20)
        assert len(children(folder)) == 1
        os.kill(system.process.pid, signal.SIGKILL)
        system.process.wait()
        wait_until(lambda: not children(folder))
        assert verb(folder, "status").returncode == 1

        with running(folder, given, "--overlay", str(overlay), "--manual") as again:
            assert httpx.get(f"{again.url}/api/", timeout=20).status_code == 200


@pytest.mark.anyio
async def test_leftovers_are_ended_and_nothing_else(tmp_path: Path) -> None:
    """A child that outlived runner and guard is ended by its mark; a number that passed to another program is not."""
    for name in ("logs", "processes"):
        (tmp_path / name).mkdir()
    left = await spawn("left", ("sleep", "60"), {"PATH": os.environ["PATH"]}, tmp_path)
    wait_until(lambda: psutil.Process(left.pid).environ())  # the kernel shows none while a program is being loaded
    (tmp_path / "processes" / str(os.getpid())).touch()

    assert end_leftovers(tmp_path) == 1
    assert await left.wait() != 0
    assert list((tmp_path / "processes").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["up", "--port", "99999"], "99999 must be between 1 and 65535"),
        (["up", "--port", "0"], "0 must be between 1 and 65535"),
        (["up", "--idle", "-5"], "-5 must be at least 0"),
        (["logs", "--lines", "-3"], "-3 must be at least 0"),
        (["up", "--folder", "/proc/run"], "choose another folder with --folder"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    arguments: list[str], reason: str, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value that cannot be is refused without a traceback."""
    if "--port" not in arguments:
        arguments = [*arguments, "--port", str(port)]
    try:
        code = command_line(arguments)
    except SystemExit as exit_:
        code = exit_.code

    assert code in (1, 2)
    assert reason in (refused := capsys.readouterr().err)
    assert "Traceback" not in refused


def test_a_failed_job_says_why(tmp_path: Path, given: Mapping[str, str], port: int) -> None:
    """`up` serves no function after a failed Job, shows the last lines of its log, and exits with 1."""
    overlay = write_overlay(tmp_path, "failing", job="raise SystemExit('the schema is broken')")

    failed = verb(tmp_path / "run", "up", "--overlay", str(overlay), "--port", str(port), environment=given)

    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "Job migration failed with 1" in failed.stderr
    assert "the schema is broken" in failed.stderr


def test_an_unsupported_field_stops_it(overlay: Path, tmp_path: Path) -> None:
    """A field that the runner does not know is told with its file before anything is started."""
    file = overlay / "application.yaml"
    file.write_text(file.read_text().replace("timeoutSeconds: 60", "idleTimeoutSeconds: 60", 1))

    refused = verb(tmp_path / "run", "up", "--overlay", str(overlay))

    assert refused.returncode == 1
    wanted = (
        "error: overlay/application.yaml: spec.template.spec.idleTimeoutSeconds: is not supported by the local runner"
    )
    assert wanted in refused.stderr
    assert "starting" not in refused.stderr
