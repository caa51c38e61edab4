"""Report of dependencies that no upgrade renews: `make outdated` names the requirement that blocks each of them.

It asks the package index, through uv, for what `pyproject.toml` and `requirements.lock` name. It fails where a full
upgrade would fall back behind the lock: a resolver does that in silence to satisfy a cap.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from maintenance.cluster_parts import report_parts
from maintenance.resolution import ROOT, Resolved, find_newest, install_alone, parse_resolution, resolve_upgrade

PROJECT = "pyproject.toml"
Requirements = Mapping[str, Sequence[Requirement]]
"""The requirements of each package, by its name."""


@dataclass(frozen=True)
class Blocked:
    """A package whose newest release a full upgrade does not reach, and the requirements that exclude it."""

    name: str
    resolved: Version
    newest: Version
    by: Sequence[str]

    def __str__(self) -> str:
        by = "; ".join(self.by) or "no requirement: its newest release does not support every Python of the project"
        return f"{self.name} {self.newest}: an upgrade resolves to {self.resolved}, blocked by {by}"


def find_blocked(
    resolved: Mapping[str, Resolved], newest: Mapping[str, Version], requirements: Requirements
) -> Iterator[Blocked]:
    """Yield each package of *resolved* with a newer release, with those of *requirements* that exclude it."""
    for name, one in sorted(resolved.items()):
        if name in newest and newest[name] > one.version:
            by = [
                f"{parent} ({requirement})"
                for parent in dict.fromkeys(one.parents)
                for requirement in requirements.get(parent, [])
                if canonicalize_name(requirement.name) == name
                and (not requirement.marker or requirement.marker.evaluate({"extra": ""}))
                and not requirement.specifier.contains(newest[name], prereleases=True)
            ]
            yield Blocked(name, one.version, newest[name], by)


def find_lowered(locked: Mapping[str, Resolved], resolved: Mapping[str, Resolved]) -> Iterator[str]:
    """Yield a sentence for each package that an upgrade takes back behind the lock."""
    for name, one in sorted(resolved.items()):
        if name in locked and one.version < locked[name].version:
            fallback = f"from {locked[name].version} to {one.version}"
            yield f"{name}: an upgrade falls back {fallback}; set a floor in {PROJECT}"


def read_groups(text: str) -> list[Requirement]:
    """Return the requirements of all dependency groups of a pyproject.toml."""
    groups: Mapping[str, list[Any]] = tomllib.loads(text)["dependency-groups"]
    return [Requirement(entry) for entries in groups.values() for entry in entries if isinstance(entry, str)]


def read_requirements(resolved: Mapping[str, Resolved], names: Sequence[str]) -> dict[str, list[Requirement]]:
    """Return the requirements of *names* at their resolved versions, installing those that .venv does not have."""
    wanted = {name: resolved[name].version for name in names if name in resolved}
    found = _installed(wanted, sys.path)
    with TemporaryDirectory() as folder:
        install_alone({name: version for name, version in wanted.items() if name not in found}, Path(folder))
        return {**found, **_installed(wanted, [folder])}


def _installed(wanted: Mapping[str, Version], path: Sequence[str]) -> dict[str, list[Requirement]]:
    return {
        name: [Requirement(line) for line in one.requires or []]
        for one in distributions(path=list(path))
        if (name := canonicalize_name(one.metadata["Name"])) in wanted and Version(one.version) == wanted[name]
    }


def main() -> int:
    """Print the report; return the exit code."""
    locked = parse_resolution((ROOT / "requirements.lock").read_text())
    project = (ROOT / PROJECT).read_text()
    name = tomllib.loads(project)["project"]["name"]
    resolved, newest = resolve_upgrade(), find_newest()
    parents = sorted({parent for one in resolved for parent in resolved[one].parents if one in newest})
    requirements = {**read_requirements(resolved, parents), name: read_groups(project)}
    blocked, lowered = list(find_blocked(resolved, newest, requirements)), list(find_lowered(locked, resolved))
    renewed = [one for one in locked if one in resolved and locked[one].version < resolved[one].version]
    print(f"{len(renewed)} packages are renewed by `make lock ARGS=--upgrade`: {', '.join(renewed) or 'none'}")
    print("\n".join(map(str, blocked)) or "no requirement blocks a newer release")
    print("\n".join(report_parts()))
    print("\n".join(lowered), file=sys.stderr)
    return 1 if lowered else 0


if __name__ == "__main__":
    sys.exit(main())
