"""The functions, and the distributions that the dependency group of each lists."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(main.parent.name for main in (ROOT / "functions").glob("*/main.py"))


def group(name: str) -> set[str]:
    """Return the distributions that dependency group *name* and the groups it includes list."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    found: set[str] = set()
    for entry in groups[name]:
        found |= group(entry["include-group"]) if isinstance(entry, dict) else {re.split(r"[^\w.-]", entry)[0]}
    return found
