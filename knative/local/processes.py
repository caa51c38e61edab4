"""Child processes with a log each, and records by which a later run ends those of a killed runner."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from knative.local.environment import of_machine

ROOT = Path(__file__).parents[2]
MARK = "STOCKSALOT_RUN"
"""Variable with the folder of the run in every child: its process id may be reused by another program."""
# A function listens some 200 ms after its start; this adds 1 ms on average.
_POLL_SECONDS = 0.002


async def spawn(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> asyncio.subprocess.Process:
    """Start *command* (`python` is this one) in the checkout.

    What it prints goes to the end of `logs/<name>.log` in *folder*; `processes/<pid>` is there until *ended* is called.
    """
    program = sys.executable if command[0] == "python" else command[0]
    with (folder / "logs" / f"{name}.log").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            program,
            *command[1:],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT), MARK: str(folder)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C goes to the runner, which lets requests finish
        )
    (folder / "processes" / str(process.pid)).touch()
    return process


@contextmanager
def guard_children(folder: Path) -> Iterator[None]:
    """End the children in *folder* when this process dies, even by kill -9: a pipe to a guard closes with it."""
    command = [sys.executable, "-m", "knative.local.processes", str(folder)]
    guard = subprocess.Popen(
        ["/bin/sh", "-c", 'cat >/dev/null; exec "$@"', "guard", *command],
        cwd=ROOT,
        env={**of_machine(os.environ), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        guard.kill()
        guard.communicate()


async def wait_for_exit(process: asyncio.subprocess.Process, folder: Path) -> int:
    """Wait for the end of *process*; return its exit code."""
    code = await process.wait()
    (folder / "processes" / str(process.pid)).unlink(missing_ok=True)
    return code


async def listens(process: asyncio.subprocess.Process, port: int) -> bool:
    """Return True once *process* takes connections on *port*, False when it ends before."""
    while process.returncode is None:
        if await _answers(port):
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


async def stop(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """Ask *process* to end and wait for it; False when it had to be killed after *seconds*."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        kill(process)
        await process.wait()
        return False
    return True


def kill(process: asyncio.subprocess.Process) -> None:
    """End *process* at once."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()


def end_leftovers(folder: Path) -> int:
    """Kill the children that an earlier run in *folder* left behind; return how many there were."""
    count = 0
    for record in (folder / "processes").iterdir():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(int(record.name))
            if process.environ().get(MARK) == str(folder):
                process.kill()
                process.wait(10)
                count += 1
        record.unlink(missing_ok=True)
    return count


async def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(probe, ("127.0.0.1", port))
        except OSError:
            return False
        return True


if __name__ == "__main__":
    end_leftovers(Path(sys.argv[1]))
