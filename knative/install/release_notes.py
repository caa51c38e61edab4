"""Notes of a release: the part of CHANGELOG.md for a tag, once the tag and pyproject.toml agree on the version."""

import re
import tomllib
from pathlib import Path

from knative.install.overlay import ROOT, DeploymentError


def read_notes(tag: str, root: Path = ROOT) -> str:
    """Return the changelog section for *tag* (v1.2.3); DeploymentError where version, heading or text is missing."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    if tag != f"v{version}":
        raise DeploymentError(
            f"The tag is {tag} and pyproject.toml has version {version}: tag v{version}, or change it."
        )
    headings = re.split(r"^## (.*)\n", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    parts = dict(zip(headings[1::2], headings[2::2], strict=True))
    heading = next(
        (one for one in parts if re.fullmatch(rf"\[?{re.escape(version)}\]?( - \d{{4}}-\d\d-\d\d)?", one)), ""
    )
    if not (notes := parts.get(heading, "").strip()):
        raise DeploymentError(
            f"CHANGELOG.md has no section for {version}: rename its section Unreleased to `## {version} - YYYY-MM-DD`."
        )
    return notes
