"""Private server: a process with a folder, found by later runs after a crash."""

import logging
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import psutil

from knative.local.files import stored_secret
from knative.local.services.ports import is_free, kept_port, new_port

logger = logging.getLogger(__name__)

# Environment variable of every process of a server, by which a later run finds processes of a killed one.
MARKER = "STOCKSALOT_SERVICE"
PASSED_ON = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "USER")

# Shell script that ends the server when the runner has ended, also by kill -9: its standard input closes then.
GUARD = 'cat >/dev/null; kill -s "$1" "$2"; while kill -0 "$2"; do sleep 0.1; done; kill -s KILL -- "-$2"'


class CannotStartError(Exception):
    """A service is not available on this machine; the message gives the reason and the remedy."""


class Server(ABC):
    """A private server: *folder* holds its data; *port* stays the same unless another program takes it."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]] = ()
    """Names of processes that belong to the server when they work in its folder, whatever their environment says."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    seconds_to_start: ClassVar[float] = 60
    seconds_to_stop: ClassVar[float] = 30

    def __init__(self, folder: Path, environment: Mapping[str, str], *, fast: bool = False) -> None:
        """Prepare *folder*; *fast* is for tests: a crash of the machine may then lose data."""
        self.folder = folder.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.fast = fast
        self.environment = {key: environment[key] for key in PASSED_ON if key in environment}
        self.environment.setdefault("PATH", os.defpath)
        self.environment[MARKER] = str(self.folder)
        if ended := self.end_leftovers():
            logger.info("%s: ended %d processes that an earlier run left behind", self.name, ended)
        self.port = kept_port(self.folder / "port")
        self.password = stored_secret(self.folder / "password")
        self.log = self.folder / "log"
        self._has_served = False
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Address for clients, password included."""

    @abstractmethod
    def prepare(self) -> None:
        """Write the files that the process reads; called before each start."""

    @abstractmethod
    def command(self) -> list[str]:
        """Command of the server; it must not fork the server into another process."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server serves clients."""

    def start(self) -> None:
        """Start and wait until clients are served; CannotStartError with the last lines of the log otherwise.

        The address changes only when another program takes the port before the first start.
        """
        if self.is_running:
            return
        self.kill()  # remaining processes of one that has ended
        try:
            self._launch()
        except CannotStartError:
            if self._has_served or is_free(self.port):
                raise
            self.port = new_port(self.folder / "port")
            self._launch()
        self._has_served = True

    def stop(self) -> None:
        """Stop the server; its folder, port and password remain."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(self.seconds_to_stop)
            except subprocess.TimeoutExpired:
                logger.warning("%s did not stop within %s s and is killed", self.name, self.seconds_to_stop)
        self.kill()

    def kill(self) -> None:
        """Kill the server and its guard."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        self.end_leftovers()

    @property
    def is_running(self) -> bool:
        """True if the process is alive."""
        return self._process is not None and self._process.poll() is None

    def is_ours(self, process: psutil.Process) -> bool:
        """Return whether *process* belongs to this folder."""
        if process.environ().get(MARKER) == str(self.folder):
            return True
        # Some overwrite their environment with a title; their working folder identifies them.
        return process.name() in self.programs and self.folder in (where := Path(process.cwd()), *where.parents)

    def end_leftovers(self) -> int:
        """Kill the processes of an earlier run in the folder; return their number."""
        leftovers = self._leftovers()
        for process in leftovers:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        deadline = time.monotonic() + self.seconds_to_stop
        while self._leftovers():  # a zombie has no environment and is not counted
            if time.monotonic() > deadline:
                raise CannotStartError(f"{self.name}: cannot end {leftovers} of an earlier run in {self.folder}")
            time.sleep(0.01)
        return len(leftovers)

    def _launch(self) -> None:
        self.end_leftovers()
        self.prepare()
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".old"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", self.stop_signal.name[3:], str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
            start_new_session=True,
        )
        self._wait_until_it_answers(self._process)

    def _leftovers(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            try:
                if self.is_ours(process):
                    found.append(process)
            except (psutil.Error, OSError):  # it has ended meanwhile, or belongs to another user
                continue
        return found

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.seconds_to_start
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise CannotStartError(f"{self.name} did not start, see {self.log}:\n{tail(self.log)}")
            time.sleep(0.02)


def tail(log: Path, lines: int = 12) -> str:
    """Return the last *lines* of *log*, indented."""
    return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])
