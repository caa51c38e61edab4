"""Servers that are full, silent, locked or out of connections: every accepted event is stored afterwards."""

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import pytest
import redis
from anyio.from_thread import start_blocking_portal

from knative.local.services import Services, start_services
from tests.broker.bench import Proxy, listening
from tests.reading import hours, sessions
from tests.running import System, running
from tests.store_harness import BARS, bar, fetched, headers
from tests.system.watching import FRIDAY_EVENING, server
from tests.waiting import wait_until

EVENING = datetime.fromisoformat(FRIDAY_EVENING.split()[0])
SECONDS = 1.5
EVENTS = 5
DISK_BYTES = 2**28
END_SESSIONS = """
SELECT pg_terminate_backend(pid)
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Installation(NamedTuple):
    """A system, its servers, and what it reaches Postgres by."""

    system: System
    servers: Services
    slow_path: Proxy


State = Callable[[Installation], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Three servers of this module."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    folder = tmp_path_factory.mktemp("full")
    with small_disk(folder / "postgres"), start_services(folder, environment, fast=True) as services:
        assert services.amqp_url, services.notes
        yield services


@pytest.fixture(scope="module")
def slow_path(servers: Services) -> Iterator[Proxy]:
    """Proxy between the system and Postgres."""
    proxy = Proxy(servers.postgres_url)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(listening(proxy, "")):
        yield proxy


@pytest.fixture(scope="module")
def system(servers: Services, slow_path: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system on them, without data."""
    direct = urlsplit(servers.postgres_url)
    environment = {
        "DATABASE_URL": servers.postgres_url.replace(f"127.0.0.1:{direct.port}", slow_path.url.rstrip("/")),
        "REDIS_URL": servers.redis_url,
        "AMQP_URL": servers.amqp_url or "",
        "CLOCK": FRIDAY_EVENING,
        "PROVIDERS": "simulated",
    }
    with running(tmp_path_factory.mktemp("system"), environment, "--manual", "--min-scale", "1") as system:
        # The gateway keeps a connection to api: without descriptors none could be accepted.
        httpx.get(f"{system.url}/api/latest", timeout=30)
        yield system


@pytest.fixture
def installation(system: System, servers: Services, slow_path: Proxy) -> Installation:
    """All of it."""
    return Installation(system, servers, slow_path)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small disk at *folder*, where this user may."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], capture_output=True)
    yield
    if mounted.returncode == 0:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def stopped(root: psutil.Process) -> Iterator[None]:
    """Freeze a server and its children: connections are accepted by the kernel, and nothing answers."""
    processes = [root, *root.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGCONT)


def process_of(one: object) -> psutil.Process:
    """Return the process of a private server."""
    return psutil.Process(one._process.pid)  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def redis_full(installation: Installation) -> Iterator[None]:
    """Redis refuses every write: out of memory."""
    with redis.Redis.from_url(installation.servers.redis_url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        try:
            yield
        finally:
            client.config_set("maxmemory", "0")


@contextmanager
def postgres_locked(installation: Installation) -> Iterator[None]:
    """Somebody's transaction holds the table of bars."""
    with psycopg.connect(installation.servers.postgres_url) as connection:
        connection.execute("LOCK TABLE bars")
        yield
        connection.rollback()


@contextmanager
def postgres_without_connections(installation: Installation) -> Iterator[None]:
    """All connections are taken."""
    with ExitStack() as stack:

        def connect_for_ever() -> None:
            while True:
                stack.enter_context(psycopg.connect(installation.servers.postgres_url, connect_timeout=5))

        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            connect_for_ever()
        yield


@contextmanager
def postgres_read_only(installation: Installation) -> Iterator[None]:
    """Every transaction is read-only, as on a standby or with a full disk behind some providers."""
    with psycopg.connect(installation.servers.postgres_url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        connection.execute(END_SESSIONS)
        try:
            yield
        finally:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER DATABASE postgres RESET default_transaction_read_only")


@contextmanager
def postgres_disk_full(installation: Installation) -> Iterator[None]:
    """No byte is free on the disk of Postgres."""
    folder = server(installation.servers.postgres).folder
    if not folder.is_mount():
        pytest.skip("this user may not mount a small disk")
    rest = folder / "rest"
    with pytest.raises(OSError, match="No space left"):
        rest.write_bytes(bytes(DISK_BYTES))
    try:
        yield
    finally:
        rest.unlink()


def serves(process: psutil.Process) -> bool:
    """Return whether it is a function that has started."""
    try:
        is_function = "shared.runtime.server" in process.cmdline()
        return is_function and any(port.status == "LISTEN" for port in process.net_connections())
    except psutil.NoSuchProcess:
        return False


@contextmanager
def limited(installation: Installation, kind: int) -> Iterator[None]:
    """No process of a function gets any more of what the limit *kind* counts."""
    children = psutil.Process(installation.system.process.pid).children(recursive=True)
    functions = [one for one in children if serves(one)]
    before = [resource.prlimit(one.pid, kind) for one in functions]
    for one, (_, hard) in zip(functions, before, strict=True):
        resource.prlimit(one.pid, kind, (0, hard))
    try:
        yield
    finally:
        for one, limits in zip(functions, before, strict=True):
            if one.is_running():
                resource.prlimit(one.pid, kind, limits)


@contextmanager
def functions_without_descriptors(installation: Installation) -> Iterator[None]:
    """No process of a function may open a file or a connection, and those to Postgres are gone."""
    with limited(installation, resource.RLIMIT_NOFILE):
        with psycopg.connect(installation.servers.postgres_url) as connection:
            connection.execute(END_SESSIONS)
        yield


@contextmanager
def postgres_slow(installation: Installation) -> Iterator[None]:
    """Each answer of Postgres comes three seconds late."""
    installation.slow_path.seconds_late = 3
    try:
        yield
    finally:
        installation.slow_path.seconds_late = 0


STATES: dict[str, State] = {
    "Redis full": redis_full,
    "Redis silent": lambda installation: stopped(process_of(server(installation.servers.redis))),
    "Postgres locked": postgres_locked,
    "Postgres without connections": postgres_without_connections,
    "Postgres read-only": postgres_read_only,
    "Postgres on a full disk": postgres_disk_full,
    "Postgres silent": lambda installation: stopped(process_of(server(installation.servers.postgres))),
    "functions without descriptors": functions_without_descriptors,
    "functions without memory": lambda installation: limited(installation, resource.RLIMIT_AS),
    "Postgres slow": postgres_slow,
}

CAUSES = {
    "Postgres read-only": "read-only transaction",
    "Postgres on a full disk": "No space left on device",
    "functions without descriptors": "couldn't get a connection",
    "functions without memory": "MemoryError",
}
"""Words in the log of store."""
PADDING = {"functions without memory": 3_500_000}
"""Spaces behind an event, which are more than a process has to spare."""


@pytest.mark.parametrize("name", STATES)
def test_what_was_accepted_is_stored_afterwards(installation: Installation, name: str) -> None:
    """Events that are accepted during the state are stored after it, once each; readers get an answer all the time."""
    system, servers, _ = installation
    starts = hours(sessions(servers.postgres_url, "2026-10-01", "2026-11-21"))
    number = list(STATES).index(name)
    starts = starts[number * EVENTS : (number + 1) * EVENTS]
    with psycopg.connect(servers.postgres_url) as connection:
        tickers = [ticker for (ticker,) in connection.execute("SELECT ticker FROM tickers").fetchall()]
    ingress = system.status()["ingress"]
    with STATES[name](installation):
        for start in starts:
            data = fetched({ticker: [bar(start, "100")] for ticker in tickers}, at=EVENING, start=start, end=EVENING)
            body = json.dumps(data).encode() + b" " * PADDING.get(name, 0)
            accepted = httpx.post(ingress, headers=headers(BARS, f"{name}-{start}"), content=body, timeout=10)
            assert accepted.status_code == 202
        begun = time.monotonic()
        read = [httpx.get(f"{system.url}/api/latest", timeout=30) for _ in range(3)]
        time.sleep(max(0, begun + SECONDS - time.monotonic()))
        wait_until(lambda: CAUSES.get(name, "") in system.logs("store"))

    def stored() -> int:
        with psycopg.connect(servers.postgres_url) as connection:
            row = connection.execute("SELECT count(*) FROM bars WHERE start = ANY(%s)", [starts]).fetchone()
        assert row
        return row[0]

    wait_until(lambda: stored() == EVENTS * len(tickers), 90)
    with psycopg.connect(servers.postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
    # Without memory for a response, the server's last resort is a 500.
    assert {answer.status_code for answer in read} <= {200, 503, *([500] if name == "functions without memory" else [])}
    assert all("retry-after" in answer.headers for answer in read if answer.status_code == 503)
    assert httpx.get(f"{system.url}/api/latest", timeout=30).status_code in (200, 503)
    # Out of memory, the event loop itself logs a traceback.
    assert not [line for line in system.logs("store").splitlines() if "Traceback" in line and "MemoryError" not in line]
