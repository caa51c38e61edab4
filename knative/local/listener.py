"""HTTP server of the runner: uvicorn on sockets that are bound already."""

import asyncio
import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn

from shared.runtime.protocol import BoundedProtocol


class Listener(uvicorn.Server):
    """Serves an ASGI application until `stop`."""

    def __init__(
        self, app: Any, sockets: Sequence[socket.socket], protocol: type[BoundedProtocol] = BoundedProtocol
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,  # the other end of the connection is the client
                server_header=False,
                date_header=False,  # the functions' servers set it
                timeout_keep_alive=75,
            )
        )
        self._sockets = list(sockets)
        self._ready = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the runner."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and set the event once connections are accepted."""
        await super().startup(sockets)
        self._ready.set()

    async def start(self) -> None:
        """Return once connections are accepted; OSError when a socket cannot listen."""
        self._serving = asyncio.create_task(self.serve(self._sockets))
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait((ready, self._serving), return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.is_set():
            ready.cancel()
            await self._serving

    async def stop(self) -> None:
        """Accept no more connections and let open requests finish."""
        self.should_exit = True
        if self._serving:
            await self._serving


def bind(port: int, host: str | None = None) -> list[socket.socket]:
    """Return sockets bound to *port* (0: any free one) on *host* (None: the loopback addresses); OSError if taken."""
    if host is not None:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return [_bind(family, str(address[0]), port)]
    first = _bind(socket.AF_INET, "127.0.0.1", port)
    try:
        # Some programs resolve localhost to ::1 first.
        return [first, _bind(socket.AF_INET6, "::1", first.getsockname()[1])]
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port:
            first.close()
            raise
        return [first]


def _bind(family: int, address: str, port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off: a response in two parts would wait 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
