"""Harness of the whole system, started as a user does: `python -m knative.local up`."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pika

from knative.local.client import TickResult, find
from knative.local.services.ports import free_port
from tests.secret_scan import find_secrets
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent


@dataclass
class System:
    """System that runs, with data and logs in *folder*; *database_url* is that of a given Postgres."""

    process: subprocess.Popen[str]
    folder: Path
    url: str
    database_url: str = ""

    def get(self, path: str, **query: str | int) -> Any:
        """Return the JSON of the public API at *path*; an error fails the test."""
        answer = httpx.get(f"{self.url}/api{path}", params=query, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tick(self, job: str = "bars", data: Mapping[str, Any] | None = None) -> TickResult:
        """Send a tick, and return when it and the events it caused are processed."""
        return self._call(lambda client: client.tick(job, data))

    def status(self) -> dict[str, Any]:
        """Return the state of functions, queues and schedules."""
        return self._call(lambda client: client.status())

    def gateway(self) -> str:
        """Return the address of the functions and the control API, with the secret of the run."""
        return find(self.folder).gateway

    def wait_for_zero(self) -> None:
        """Return once no replica of any function runs."""
        wait_until(lambda: not any(function["pids"] for function in self.status()["functions"]))

    def logs(self, name: str) -> str:
        """Return the log of a function or of the runner."""
        path = self.folder / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def _call(self, question: Any) -> Any:
        async def ask() -> Any:
            client = find(self.folder)
            try:
                return await asyncio.wait_for(question(client), 90)
            finally:
                await client.close()

        # In a thread of its own: Playwright keeps an event loop running in the one of the tests.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, ask()).result()


@contextmanager
def running(folder: Path, environment: Mapping[str, str], *options: str, port: int | None = None) -> Iterator[System]:
    """Start the system and yield it when it says that it is ready; end it as Ctrl-C does."""
    port = port or free_port()
    process = start(folder, environment, options, port)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(f"ready  http://localhost:{port}"), f"{line!r}\n{(folder / 'screen').read_text()}"
        yield System(process, folder, f"http://localhost:{port}", environment.get("DATABASE_URL", ""))
    finally:
        process.terminate()
        process.wait(60)
        for log in [folder / "screen", *(folder / "logs").glob("*.log")]:
            assert find_secrets(log.read_text(errors="replace")) == [], log.name


def start(folder: Path, environment: Mapping[str, str], options: Sequence[str], port: int) -> subprocess.Popen[str]:
    """Start the process; its output goes to the file `screen` in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    mine = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    with (folder / "screen").open("a") as screen:
        return subprocess.Popen(
            [sys.executable, "-m", "knative.local", "up", "--port", str(port), "--folder", str(folder), *options],
            cwd=ROOT,
            env={**mine, "RATE_LIMIT_ANONYMOUS": "10000000", "ANONYMOUS_HISTORY_DAYS": "0", **environment},
            stdout=subprocess.PIPE,
            stderr=screen,
            text=True,
        )


def delete_queues(amqp_url: str, folder: Path) -> None:
    """Delete the queues that runs below *folder* have declared on a RabbitMQ that others use, too."""
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        for declared in folder.glob("**/queues"):
            for queue in declared.read_text().split():
                channel.queue_delete(queue)
