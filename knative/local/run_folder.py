"""Folder of a run: its lock, its public port, its log, and `running.json`, where the other verbs find it."""

import fcntl
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from knative.local.files import write_whole
from knative.local.listener import bind
from knative.local.running_copies import register


class CannotRunError(Exception):
    """`up` cannot go on; the message is the reason."""


def bind_port(port: int, host: str | None, folder: Path) -> list[socket.socket]:
    """Return the sockets of the public *port*; CannotRunError names the program that has it, if it is a runner."""
    try:
        return bind(port, host)
    except OSError as error:
        running = folder / "running.json"
        if running.exists():
            raise CannotRunError(f"port {port} is in use by {_owner(running)}") from None
        place = f"port {port}" if host is None else f"port {port} of {host}"
        raise CannotRunError(f"{place} cannot be used ({error.strerror}): choose another with --port") from error


@contextmanager
def lock_run_folder(folder: Path) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """Lock *folder* for this run; yield a function that publishes facts in `running.json`."""
    running = folder / "running.json"
    try:
        for name in ("logs", "processes"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("wb")
    except OSError as error:
        text = f"{error.filename} cannot be written ({error.strerror}): choose another folder with --folder"
        raise CannotRunError(text) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRunError(f"{folder} is in use by {_owner(running)}") from None
        facts = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        write_whole(running, json.dumps(facts))
        registered = register(folder)
        try:
            yield lambda more: write_whole(running, json.dumps({**facts, **more}))
        finally:
            registered.unlink(missing_ok=True)
            running.unlink(missing_ok=True)


def _owner(running: Path) -> str:
    try:
        facts = json.loads(running.read_text())
        return f"another run, pid {facts['pid']}, since {facts['since']}"
    except (OSError, ValueError, KeyError):
        return "another run"


def log_to(path: Path) -> None:
    """Send the runner's log to *path*, and warnings to the screen as well."""
    file = logging.FileHandler(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    ours = logging.getLogger("knative")
    ours.setLevel(logging.INFO)
    ours.addHandler(screen)
    logging.basicConfig(level=logging.WARNING, handlers=[file])
