"""Private RabbitMQ node, independent of other nodes on the machine."""

import os
import re
import shlex
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from knative.local.services.ports import free_port
from knative.local.services.rabbitmq_installation import Installation, find_installation
from knative.local.services.server import Server

# Distribution on the loopback address; idle schedulers sleep instead of spinning.
ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"


class RabbitMQ(Server):
    """RabbitMQ node with a name, ports, cookie, data and port mapper (epmd) of its own."""

    name: ClassVar[str] = "RabbitMQ"
    seconds_to_start: ClassVar[float] = 90

    def __init__(self, folder: Path, environment: Mapping[str, str], *, fast: bool = False, packages: Path) -> None:
        """Prepare *folder*; CannotStartError when RabbitMQ is not installed and cannot be fetched to *packages*."""
        super().__init__(folder, environment, fast=fast)
        self._installation = find_installation(self.environment["PATH"], packages)

    @property
    def url(self) -> str:
        """Connection URL, password included."""
        return f"amqp://stocksalot:{self.password}@127.0.0.1:{self.port}/%2F"

    def prepare(self) -> None:
        """Write the configuration and choose the ports of the node's distribution."""
        for room in ("home", "plugins"):
            (self.folder / room).mkdir(exist_ok=True)
        link_plugins(self._installation.plugins, self.folder / "plugins")
        (self.folder / "enabled_plugins").write_text("[].\n")
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "default_user = stocksalot",
            f"default_pass = {self.password}",
            "log.console = true",
            "log.file = false",
        ]
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        self.environment |= node_environment(self.folder, self._installation)

    def command(self) -> list[str]:
        """Port mapper in the same process group, and the node, which replaces the shell."""
        mapper = f"epmd -port {self.environment['ERL_EPMD_PORT']} -address 127.0.0.1 &"
        return ["/bin/sh", "-c", f"{mapper} exec {shlex.quote(str(self._installation.server))}"]

    def answers(self) -> bool:
        """Return whether a client can log in; another node that took the port refuses the password."""
        return self._greets() and self._lets_in()

    def _greets(self) -> bool:
        # Before this pika would log each failed connection as an error.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"  # a method frame: connection.start
        except OSError:
            return False

    def _lets_in(self) -> bool:
        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except (AMQPError, AMQPConnectorException, OSError):
            return False
        return True


def node_environment(folder: Path, installation: Installation) -> dict[str, str]:
    """Return the variables that keep the scripts and Erlang within *folder*."""
    path = os.pathsep.join([str(installation.erlang), os.defpath])
    return installation.environment | {
        "PATH": path,
        "HOME": str(folder / "home"),  # the cookie
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(free_port()),
        "RABBITMQ_NODENAME": "stocksalot@localhost",  # known to its own port mapper only
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
        "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PLUGINS_DIR": str(folder / "plugins"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the node instead of supervising it
    }


def link_plugins(plugins: Path, chosen: Path) -> None:
    """Link the plugins that the broker needs into *chosen*, which halves its start."""
    for old in chosen.iterdir():
        old.unlink()
    for plugin in needed_plugins(plugins):
        (chosen / plugin.name).symlink_to(plugin)


def needed_plugins(plugins: Path) -> list[Path]:
    """Return the folders of `rabbit` and of the applications that it depends on, as the application files list them."""
    folders = {folder.name.partition("-")[0]: folder for folder in plugins.iterdir() if (folder / "ebin").is_dir()}
    if "rabbit" not in folders:
        return list(plugins.iterdir())
    needed: list[str] = []
    waiting = ["rabbit"]
    while waiting:
        name = waiting.pop()
        if name in folders and name not in needed:
            needed.append(name)
            waiting += applications((folders[name] / "ebin" / f"{name}.app").read_text())
    return [folders[name] for name in needed]


def applications(app: str) -> list[str]:
    """Return the dependencies that an Erlang application file lists."""
    listed = re.search(r"{\s*applications\s*,\s*\[(.*?)\]", app, re.DOTALL)
    return re.findall(r"\w+", listed[1]) if listed else []
