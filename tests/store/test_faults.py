"""When Postgres, Redis or store itself breaks, the repetition heals it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from functions.store.migrate import migrate
from knative.local.services.postgres import Postgres
from tests.store.fetched_events import ROOT, example
from tests.store_harness import Store, bar, fetched, headers, hour, opened
from tests.waiting import wait_until


def test_postgres_down_is_a_retry_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str
) -> None:
    """503 makes the broker send it again; once Postgres is back the same copy of the function goes on."""
    server = Postgres(tmp_path / "postgres", {"PATH": os.environ["PATH"]}, fast=True)
    server.start()
    try:
        migrate(server.url)
        with opened(monkeypatch, server.url, redis_url) as store:
            store.keep(fetched({"AAPL": [bar(hour(0))]}))
            server.stop()
            down = store.post(fetched({"AAPL": [bar(hour(1))]}), event_id="2")
            letter = store.post(b"{", event_id="3")
            server.start()
            wait_until(lambda: store.post(fetched({"AAPL": [bar(hour(1))]}), event_id="2").status_code == 200)

            assert (down.status_code, letter.status_code, store.closes()) == (503, 503, ["100", "100"])
            assert "Traceback" not in down.text
    finally:
        server.stop()


def test_an_error_between_commit_and_reply_is_healed_by_the_repetition(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bars are there, the broker does not know it and sends again: same table, and the reply goes out."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed here")

    event = fetched({"AAPL": [bar(hour(0)), bar(hour(1))]})
    with monkeypatch.context() as broken:
        broken.setattr(sys.modules["main"], "reply", fail)
        first = store.post(event).status_code
    before = store.tables()

    assert (first, store.closes()) == (500, ["100", "100"])
    assert (store.keep(event)["unchanged"], store.tables()) == (2, before)


@pytest.fixture
def serve(database_url: str, free_port: Callable[[], int]) -> Iterator[Callable[..., tuple[subprocess.Popen, str]]]:
    """A function that starts the real server with services of one's choice, and returns its process and address."""
    processes: list[subprocess.Popen] = []

    def start(redis_url: str, database_url: str = database_url) -> tuple[subprocess.Popen, str]:
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "K_SERVICE": "store",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
        }
        process = subprocess.Popen([sys.executable, "-m", "shared.runtime.server"], cwd=ROOT, env=environment)
        processes.append(process)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _listens(port), 20)
        return process, url

    yield start
    for process in processes:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def silent_about_commits(database_url: str) -> Iterator[str]:
    """The address of a way to Postgres that carries all but the news of a commit, and nothing after it."""
    there = urlsplit(database_url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: bytes | None) -> None:
        data = b""
        with suppress(ConnectionError):
            while (data := await reader.read(1 << 16)) and not (until and until in data):
                writer.write(data)
                await writer.drain()
        if not data:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(carry(reader, ours, None), carry(theirs, writer, b"COMMIT\0"))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(connect, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        port = server.sockets[0].getsockname()[1]
        yield there._replace(netloc=f"{there.netloc.rpartition('@')[0]}@127.0.0.1:{port}").geturl()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def test_killed_between_commit_and_reply_the_repetition_gives_the_same_table(
    database_url: str, redis_url: str, serve: Callable[..., tuple[subprocess.Popen, str]]
) -> None:
    """kill -9 before it hears that its commit succeeded: the rows are there, and the next copy adds none."""
    event = json.dumps(fetched({"AAPL": [bar(hour(0)), bar(hour(1))]}))
    reader = Store(httpx.AsyncClient(), None, database_url)  # pyright: ignore[reportArgumentType]
    with silent_about_commits(database_url) as silent:
        process, url = serve(redis_url, silent)
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as connection:
            lines = [f"{name}: {value}" for name, value in headers().items()]
            request = "\r\n".join(
                ["POST / HTTP/1.1", "host: store", f"content-length: {len(event)}", *lines, "", event]
            )
            connection.sendall(request.encode())
            wait_until(lambda: len(reader.closes()) == 2)
            process.send_signal(signal.SIGKILL)
            answered = connection.recv(1)
    before = reader.tables()
    _, url = serve(redis_url)

    again = httpx.post(url, content=event, headers=headers())

    assert answered == b""
    assert (again.status_code, again.json()["unchanged"], reader.tables()) == (200, 2, before)


def test_the_real_server_takes_events_and_refuses_the_rest(
    redis_url: str, serve: Callable[[str], tuple[subprocess.Popen, str]]
) -> None:
    """Over HTTP as Knative calls it."""
    _, url = serve(redis_url)

    answers = [
        httpx.post(url, content=example("tech.stocksalot.bars.fetched.v1"), headers=headers()),
        httpx.post(url, content=b"{", headers=headers()),
        httpx.post(f"{url}/dead-letters", content=b"x", headers=headers("any.type")),
        httpx.post(url, json={}),
        httpx.get(url),
    ]

    assert [answer.status_code for answer in answers] == [200, 204, 204, 400, 405]
    assert answers[0].headers["ce-type"] == "tech.stocksalot.bars.stored.v1"


def test_the_benchmark_still_runs(postgres_server: str, redis_url: str) -> None:
    """Whoever measures next finds it working; each case asserts that it does what its name says."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.store",
        "--rounds",
        "2",
        "--url",
        postgres_server,
        "--redis",
        redis_url,
    ]

    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert printed.count("store fresh") == 2
