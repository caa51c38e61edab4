"""What the other verbs show: tables and log files."""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_PAUSE = 0.2


def show_status(status: Mapping[str, Any], services: Mapping[str, str], console: Console) -> None:
    """Print functions, queues, schedules and services, a table each."""
    rows = [
        (
            f["name"],
            f["state"],
            f"{len(f['pids'])} of {f['max_scale'] or 'any'}",
            " ".join(map(str, f["pids"])),
            f["requests"],
            f["running"],
            f["waiting"],
        )
        for f in status["functions"]
    ]
    _table(console, ("function", "state", "copies", "pids", "requests", "running", "waiting"), rows)
    names = ("name", "ready", "delivered", "retried", "dead_lettered", "lost", "last_code")
    _table(console, ("queue", *names[1:]), [[queue[name] for name in names] for queue in status["queues"]])
    names = ("source", "job", "last", "accepted", "next")
    _table(console, ("schedule", *names[1:]), [[tick[name] for name in names] for tick in status["ticks"]])
    _table(console, ("service", "address"), services.items())


def _table(console: Console, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    table = Table(*head, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def show_logs(folder: Path, name: str | None, lines: int, *, follow: bool) -> None:
    """Print the last *lines* of the log of *name*, or of all; LookupError when there is none. Go on with *follow*."""
    paths = sorted(folder.glob(f"{name or '*'}.log"))
    if not paths:
        raise LookupError(f"there is no log of {name}" if name else "there are no logs yet")
    mark = len(paths) > 1
    with ExitStack() as stack:
        files = {path.stem: stack.enter_context(path.open(errors="replace")) for path in paths}
        for stem, file in files.items():
            for line in deque(file, lines):
                _print(stem if mark else "", line)
        while follow:
            for stem, file in files.items():
                for line in file:
                    _print(stem if mark else "", line)
            time.sleep(_PAUSE)


def _print(stem: str, line: str) -> None:
    print(f"{stem:9} {line}" if stem else line, end="", flush=True)
