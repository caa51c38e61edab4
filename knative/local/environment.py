"""What a function finds in its environment: what its manifest says, then `.env`, then the shell, then the services."""

from collections.abc import Mapping
from pathlib import Path

# What any program needs of the machine; nothing else of the runner's own environment reaches a function.
_MACHINE = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
)


def read_env(path: Path) -> dict[str, str]:
    """Return the KEY=VALUE lines of *path* ({} when there is no such file); quotes around a value are taken off."""
    if not path.exists():
        return {}
    values = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            values[name.strip()] = value[1:-1] if quoted else value
    return values


def of_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what any child process needs of *environment*, and the clock that all processes share."""
    return {name: environment[name] for name in (*_MACHINE, "CLOCK") if name in environment}
