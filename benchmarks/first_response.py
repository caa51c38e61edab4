"""First response of a server: seconds, CPU seconds and memory from its start. Standard library only: it runs in images.

`python - JSON` with the parameters of `measure` prints its result as JSON.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def measure(
    command: Sequence[str], environment: Mapping[str, str], request: str, status: str, folder: str | None = None
) -> tuple[float, float, float]:
    """Start *command* and return the seconds until its whole response to *request*, its CPU seconds, and MiB (PSS)."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {**os.environ, **environment, "HOST": "127.0.0.1", "PORT": str(port)}
    began = time.perf_counter()
    process = subprocess.Popen(command, env=settings, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        while (response := _send(port, request.encode())) is None:
            assert process.poll() is None, "the process ended before it responded"
            time.sleep(0.002)
        took = time.perf_counter() - began
        assert response.split(b" ", 2)[1] == status.encode(), response[:400]
        family = _family(process.pid)
        return took, sum(map(_cpu_seconds, family)), sum(map(_memory, family))
    finally:
        process.terminate()
        process.wait()


def _send(port: int, request: bytes) -> bytes | None:
    """Return the response to *request*, None while nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))
    except OSError:
        return None


def _family(process: int) -> list[int]:
    """Return a process and all that it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(member for child in children for member in _family(int(child)))]


def _cpu_seconds(process: int) -> float:
    """Return the CPU time of all threads of a process, by the clock that Linux keeps for it."""
    return time.clock_gettime((~process << 3) | 2)


def _memory(process: int) -> float:
    """Return the process's share of the memory in MiB (PSS)."""
    rows = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    measure(**given)  # this one reads files that no cache has
    print(json.dumps(measure(**given)))
