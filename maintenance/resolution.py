"""Full upgrade of the Python dependencies and the newest release of each, as uv finds them in the package index."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.version import Version

ROOT = Path(__file__).parents[1]
UV = ROOT / ".venv" / "bin" / "uv"
_RESOLVED = re.compile(r"^([a-z0-9._-]+)==([^\s;\\]+)(?: ; ([^#\\\n]+))?[ \\]*(?:# via (.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Resolved:
    """A package's resolved version, and the packages that require it."""

    version: Version
    parents: Sequence[str]


def parse_resolution(text: str) -> dict[str, Resolved]:
    """Return the packages that a requirements file names for this Python and this platform."""
    return {
        name: Resolved(Version(version), [parent.split(" ")[0] for parent in via.split(", ") if parent])
        for name, version, marker, via in _RESOLVED.findall(text)
        if not marker or Marker(marker).evaluate()
    }


def resolve_upgrade(folder: Path = ROOT) -> dict[str, Resolved]:
    """Return the lock file that `make lock ARGS=--upgrade` would write for *folder*'s pyproject.toml."""
    options = ["--universal", "--no-header", "--annotation-style", "line", "--python-version", "3.11", "--upgrade"]
    groups = [word for name in ("dev", "node") for word in ("--group", name)]
    return parse_resolution(_uv("pip", "compile", *options, *groups, "pyproject.toml", folder=folder))


def find_newest() -> dict[str, Version]:
    """Return the newest release of each installed package that is older than it."""
    listed = json.loads(_uv("pip", "list", "--python", ".venv", "--outdated", "--format", "json"))
    return {one["name"]: Version(one["latest_version"]) for one in listed}


def install_alone(packages: Mapping[str, Version], folder: Path) -> None:
    """Install *packages* without their dependencies, to read their metadata."""
    if packages:
        pins = [f"{name}=={version}" for name, version in packages.items()]
        _uv("pip", "install", "--no-deps", "--target", str(folder), *pins)


def _uv(*arguments: str, folder: Path = ROOT) -> str:
    return subprocess.run([UV, "--quiet", *arguments], cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout
