"""Output of the verbs: status tables and log files."""

import os
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
    """Print functions, queues, schedules and services, a table each; dead letters only where there are any."""
    _table(
        console,
        ("function", "state", "replicas", "pids", "requests", "running", "waiting"),
        (
            (one["name"], one["state"], f"{len(one['pids'])} of {one['max_scale'] or 'any'}",
             " ".join(map(str, one["pids"])), one["requests"], one["running"], one["waiting"])
            for one in status["functions"]
        ),
    )  # fmt: skip
    names = ("name", "ready", "delivered", "retried", "dead_lettered", "lost", "last_code")
    queues = [queue for queue in status["queues"] if queue["filter"] or queue["ready"] or queue["done"]]
    head = ("queue", "ready", "delivered", "retried", "dead", "lost", "last")
    _table(console, head, ([queue[name] for name in names] for queue in queues))
    rows = (
        (one["source"], one["job"], _short(one["last"]), one["accepted"], _short(one["next"]))
        for one in status["ticks"]
    )
    _table(console, ("schedule", "job", "last (UTC)", "accepted", "next (UTC)"), rows)
    restarts = {name.lower().replace("postgresql", "postgres"): count for name, count in status["restarts"].items()}
    rows = ((name, address, restarts.get(name, "")) for name, address in services.items())
    _table(console, ("service", "address", "restarts"), rows)


def _short(instant: str | None) -> str | None:
    return instant and instant[5:16].replace("T", " ")


def _table(console: Console, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    table = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def show_logs(folder: Path, name: str | None, lines: int, *, follow: bool) -> None:
    """Print the last *lines* of the log of *name*, or of all; LookupError when there is none. Go on with *follow*."""
    paths = sorted(folder.glob(f"{name or '*'}.log"))
    if not paths:
        raise LookupError(f"there is no log of {name}" if name else "there are no logs yet")
    mark = len(paths) > 1
    if not follow and not any(path.stat().st_size for path in paths):
        print(f"{name or 'The system'} has logged nothing yet.")
    with ExitStack() as stack:
        files = {path.stem: stack.enter_context(path.open(errors="replace")) for path in paths}
        for stem, file in files.items():
            for line in deque(file, lines):
                _print(stem if mark else "", line)
        while follow:
            for stem, file in files.items():
                for line in file:
                    _print(stem if mark else "", line)
                if os.fstat(file.fileno()).st_size < file.tell():  # rotated
                    file.seek(0)
            time.sleep(_PAUSE)


def _print(stem: str, line: str) -> None:
    print(f"{stem:9} {line}" if stem else line, end="", flush=True)
