"""Supervisor of the private servers: restarts those that end, with growing pauses."""

import asyncio
import time
from collections.abc import Callable, Iterable

from knative.local.services.server import CannotStartError, Server

_CHECK_SECONDS = 0.5
_LONGEST_PAUSE = 60
_STEADY_SECONDS = 60
"""A server that has run this long restarts without a pause."""


class Supervisor:
    """Restarts *servers*; *say* shows each end and restart to the user."""

    def __init__(self, servers: Iterable[Server], say: Callable[[str], None]) -> None:
        self._servers = list(servers)
        self._say = say
        self.restarts = {server.name: 0 for server in self._servers}

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(self._watch(server))

    async def _watch(self, server: Server) -> None:
        pause, started = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            if server.is_running:
                continue
            if time.monotonic() - started > _STEADY_SECONDS:
                pause = 0.0
            self._say(f"{server.name} ended; starting it again" + (f" in {pause:g} s" if pause else ""))
            await asyncio.sleep(pause)
            pause = min(2 * pause or 1, _LONGEST_PAUSE)
            try:
                # A thread continues when this is cancelled: `shield` lets the later stop find its server.
                await asyncio.shield(asyncio.to_thread(server.start))
            except CannotStartError as error:
                self._say(f"{server.name} cannot be started: {error}")
                continue
            self.restarts[server.name] += 1
            started = time.monotonic()
            self._say(f"{server.name} runs again")
