"""Replica of a function: its process, its port, and the idle connections to it."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from knative.local import processes
from knative.local.replica_connection import ConnectionLostError, ReplicaConnection
from knative.local.services.ports import free_port

log = logging.getLogger(__name__)
_COMMAND = ("python", "-m", "shared.runtime.server")
"""Command that the images run, too."""
_IDLE_CONNECTIONS = 64


class Replica:
    """A process that serves one function on a port of its own."""

    def __init__(self, function: str) -> None:
        self.function = function
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None
        self.stopping = False
        self.running = 0
        self.idle_since: float | None = None
        """Monotonic time of the end of the last request, None while one runs."""
        self._connections: list[ReplicaConnection] = []

    @property
    def pid(self) -> int | None:
        """The process, None before there is one."""
        return self.process.pid if self.process else None

    def idle_connection(self) -> ReplicaConnection | None:
        """Return an open connection that no request uses, if there is one."""
        while self._connections:
            connection = self._connections.pop()
            if connection.is_reusable:
                return connection
            connection.close()
        return None

    async def connect(self) -> ReplicaConnection:
        """Return a new connection; OSError when the process takes none."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(ReplicaConnection, "127.0.0.1", self.port)
        return connection

    def give_back(self, connection: ReplicaConnection) -> None:
        """Keep *connection* for another request, unless it was left in the middle of one."""
        if connection.is_reusable and len(self._connections) < _IDLE_CONNECTIONS and not self.stopping:
            self._connections.append(connection)
        else:
            connection.close()

    async def is_alive(self, path: str, seconds: float) -> bool:
        """Return whether GET *path* is answered without an error within *seconds*."""
        connection = None
        try:
            async with asyncio.timeout(seconds):
                connection = await self.connect()
                request = f"GET {path} HTTP/1.1\r\nhost: {self.function}\r\nuser-agent: kube-probe\r\n\r\n"
                connection.start_request(request.encode(), to_head=False, more=False)
                await connection.wait_for_head()
                return connection.status < 400
        except (OSError, TimeoutError, ConnectionLostError):
            return False
        finally:
            if connection:
                connection.close()

    async def start(self, environment: Mapping[str, str], folder: Path, seconds: float) -> bool:
        """Start the process; True once it takes connections, False when it ends before or needs more than *seconds*."""
        address = {"HOST": "127.0.0.1", "PORT": str(self.port)}
        self.process = await processes.spawn(self.function, _COMMAND, {**environment, **address}, folder)
        if self.stopping:
            processes.kill(self.process)
        try:
            return await asyncio.wait_for(processes.listens(self.process, self.port), seconds)
        except TimeoutError:
            return False

    async def wait_for_exit(self, folder: Path) -> int:
        """Wait for the end of the process, whatever causes it; return its exit code."""
        assert self.process is not None, "only what has started can end"  # noqa: S101
        return await processes.wait_for_exit(self.process, folder)

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, let its requests finish, and kill it after *seconds*."""
        self.stopping = True
        if self.process and not await processes.stop(self.process, seconds):
            log.warning("%s: pid %d did not end within %g s and was killed", self.function, self.process.pid, seconds)
        while self._connections:
            self._connections.pop().close()

    def kill(self) -> None:
        """End the process at once."""
        if self.process:
            processes.kill(self.process)
