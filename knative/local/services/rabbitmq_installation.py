"""RabbitMQ installation: the system's own, otherwise Debian's packages, fetched into a private folder without root."""

import fcntl
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from knative.local.services.server import CannotStartError

# The scripts themselves: the wrappers in /usr/sbin require root or the user rabbitmq.
SERVERS = (
    "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server",
    "opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "usr/local/opt/rabbitmq/sbin/rabbitmq-server",
    "opt/rabbitmq/sbin/rabbitmq-server",
)
ERLANGS = ("/usr/bin", "/usr/lib/erlang/bin", "/opt/homebrew/bin", "/usr/local/bin", "/opt/erlang/lib/erlang/bin")
MISSING = (
    "RabbitMQ is not on this machine{why}; install it (Debian, Ubuntu: apt-get install rabbitmq-server; "
    "macOS: brew install rabbitmq) or give AMQP_URL"
)
DEPENDS = ("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks")
DEPENDS += ("--no-replaces", "--no-enhances", "rabbitmq-server")


@dataclass(frozen=True)
class Installation:
    """Location of RabbitMQ: its server script, its plugins, the folder of `erl`, and its environment."""

    server: Path
    plugins: Path
    erlang: Path
    environment: dict[str, str] = field(default_factory=dict)


def find_installation(path: str, packages: Path) -> Installation:
    """Return the machine's RabbitMQ, else Debian's in *packages*, fetched when it is not there yet."""
    erlang = find_erlang(path)
    server = find_server(path)
    if erlang and server:
        return Installation(server, server.parent.parent / "plugins", erlang)
    return debian_installation(path, packages)


def find_server(path: str) -> Path | None:
    """Return the newest installed server script, else one on *path* that is no wrapper."""
    installed = [server for place in SERVERS for server in Path("/").glob(place)]
    if installed:
        return max(installed, key=lambda server: [int(number) for number in re.findall(r"\d+", str(server))])
    on_path = shutil.which("rabbitmq-server", path=path)
    server = Path(on_path).resolve() if on_path else None
    return server if server and (server.parent.parent / "plugins").is_dir() else None


def find_erlang(path: str) -> Path | None:
    """Return the folder of `erl`."""
    erl = shutil.which("erl", path=os.pathsep.join([path, *ERLANGS]))
    return Path(erl).parent if erl else None


def debian_installation(path: str, packages: Path) -> Installation:
    """Return Debian's RabbitMQ unpacked below *packages*, fetched at the first call; raise CannotStartError."""
    root = packages / "rabbitmq"
    missing = [tool for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-query") if not shutil.which(tool, path=path)]
    if missing:
        raise CannotStartError(MISSING.format(why=f" (and {platform.system()} has no {missing[0]} to fetch it with)"))
    if not root.exists():
        fetch_locked(root)
    set_erlang_root(root)
    [server] = root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
    libraries = os.pathsep.join(
        str(folder) for folder in [*root.glob("usr/lib/*-linux-*"), *root.glob("lib/*-linux-*")]
    )
    environment = {"LD_LIBRARY_PATH": libraries} if libraries else {}
    return Installation(server, server.parent.parent / "plugins", root / "usr/lib/erlang/bin", environment)


def fetch_locked(root: Path) -> None:
    """Fetch the packages under a lock, so that concurrent runs fetch once; *root* exists only when it is complete."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            unfinished = root.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            fetch(unfinished)
            unfinished.rename(root)


def fetch(root: Path) -> None:
    """Download rabbitmq-server with its missing dependencies and unpack them into *root*."""
    archives = root / "archives"
    archives.mkdir(parents=True)
    options = apt_options(root)
    run_package_tool(["apt-get", *options, "download", *needed_packages(options)], archives)
    for archive in sorted(archives.glob("*.deb")):
        run_package_tool(["dpkg", "-x", str(archive), str(root)], archives)
    shutil.rmtree(archives)


def apt_options(root: Path) -> list[str]:
    """Return options of apt: none when it has package lists, otherwise those of private lists, fetched without root."""
    if run_package_tool(["apt-get", "download", "--print-uris", "rabbitmq-server"], root, check=False):
        return []
    lists = root / "archives" / "lists"
    (lists / "partial").mkdir(parents=True)
    (root / "archives" / "cache" / "archives" / "partial").mkdir(parents=True)
    options = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={lists.parent / 'cache'}"]
    run_package_tool(["apt-get", *options, "update"], root)
    return options


def needed_packages(options: list[str]) -> list[str]:
    """Return the names of rabbitmq-server, all Erlang packages, and the libraries that the machine lacks."""
    said = run_package_tool([DEPENDS[0], *options, *DEPENDS[1:]], Path.cwd())
    names = sorted(set(re.findall(r"^([a-z0-9][a-z0-9.+-]+)", said, re.MULTILINE)))
    query = ["dpkg-query", "-W", "-f", "${binary:Package} ${db:Status-Status}\n"]
    lines = [line.split() for line in run_package_tool(query, Path.cwd()).splitlines()]
    installed = {name.partition(":")[0] for name, *status in lines if status == ["installed"]}
    return [
        name for name in names if re.match("erlang|rabbitmq", name) or (name[:3] == "lib" and name not in installed)
    ]


def set_erlang_root(root: Path) -> None:
    """Write the root folder into Erlang's scripts; Debian's contain /usr/lib/erlang, and the checkout may be moved."""
    home = root / "usr/lib/erlang"
    for script in (home / "bin" / "erl", *home.glob("erts-*/bin/erl")):
        written = script.read_text()
        text = re.sub(r"^(\s*ROOTDIR=)/.*$", rf"\g<1>{home}", written, flags=re.MULTILINE)
        if text != written:
            script.write_text(text)


def run_package_tool(command: list[str], folder: Path, *, check: bool = True) -> str:
    """Return the output of *command*, run in *folder*; CannotStartError with its last line when it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and check:
        why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CannotStartError(MISSING.format(why=f", and {command[0]} could not fetch it ({' '.join(why)})"))
    return done.stdout
