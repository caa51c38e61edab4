"""Ports on 127.0.0.1 that remain the same over restarts."""

import socket
from pathlib import Path
from random import SystemRandom

from knative.local.files import write_whole

# Below the ranges of outgoing connections (32768 on Linux, 49152 on macOS): no client takes the port of a stopped
# server.
FIRST, LAST = 15_000, 32_000


def is_free(port: int) -> bool:
    """Return whether a server could listen on *port* now."""
    with socket.socket() as probe:
        # As servers do: lingering connections of a killed server are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a free port."""
    while True:
        port = SystemRandom().randint(FIRST, LAST)  # tests seed the other generator
        if is_free(port):
            return port


def kept_port(file: Path) -> int:
    """Return the port in *file*; write a new one when the file is missing or invalid, or the port taken."""
    text = file.read_text().strip() if file.exists() else ""
    if text.isdecimal() and 0 < int(text) < 65536 and is_free(int(text)):
        return int(text)
    return new_port(file)


def new_port(file: Path) -> int:
    """Return a free port and write it to *file*."""
    port = free_port()
    write_whole(file, f"{port}\n")
    return port
