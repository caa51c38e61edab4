"""Settings: the `.env` file, and the part of the environment that any child process needs."""

import re
from collections.abc import Mapping
from pathlib import Path

# Variables of the machine that any program needs; functions get no others of the runner's environment.
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
    """Return the KEY=VALUE lines of *path*, without quotes and comments; {} when it does not exist."""
    if not path.exists():
        return {}
    values = {}
    for line in path.read_text("utf-8-sig").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            quoted = re.match(r"""\s*(['"])(.*?)\1\s*(#.*)?$""", value)
            values[name.strip()] = quoted[2] if quoted else re.split(r"(?:^|\s)#", value.strip())[0].strip()
    return values


def of_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the machine in *environment*, and the clock that all processes share."""
    return {name: environment[name] for name in (*_MACHINE, "CLOCK") if name in environment}
