"""Ports on 127.0.0.1 that stay the same from one start to the next."""

import socket
from pathlib import Path
from random import SystemRandom

from knative.local.files import write_whole

# Below the ranges that systems hand out to outgoing connections (32768 on Linux, 49152 on macOS): a stopped
# server's port is then not taken by some client before the server is back.
FIRST, LAST = 15_000, 32_000


def is_free(port: int) -> bool:
    """Return whether a server could listen on *port* now."""
    with socket.socket() as probe:
        # As servers do it: connections of a killed server that still linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that nobody listens on."""
    while True:
        port = SystemRandom().randint(FIRST, LAST)  # tests seed the other generator, all alike
        if is_free(port):
            return port


def kept_port(file: Path) -> int:
    """Return the port in *file*; a new one, written there, when there is none or it is taken."""
    text = file.read_text().strip() if file.exists() else ""
    if text.isdecimal() and 0 < int(text) < 65536 and is_free(int(text)):
        return int(text)
    return new_port(file)


def new_port(file: Path) -> int:
    """Return a port that nobody listens on, from now on the one written in *file*."""
    port = free_port()
    write_whole(file, f"{port}\n")
    return port
