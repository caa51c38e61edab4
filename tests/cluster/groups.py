"""Which functions there are, and what the dependency group of each lists."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(main.parent.name for main in (ROOT / "functions").glob("*/main.py"))


def group(name: str) -> set[str]:
    """The distributions that dependency group *name* lists, included groups too."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    found: set[str] = set()
    for entry in groups[name]:
        found |= group(entry["include-group"]) if isinstance(entry, dict) else {entry.split("[")[0]}
    return found
