"""docs/extending.md: each example is applied to a copy of the repository, and its test passes there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text()
LISTING = re.compile(r"`([\w/]+\.(?:py|md))`[^\n]*:\n\n```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = [section for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:] if LISTING.search(section)]
MAX_FILES = {"A provider with a key": 3, "An endpoint": 4, "An insight metric": 2}
COMPARISONS = {
    "A provider with a key": (
        "tests/cluster/test_configuration.py::test_sample_and_manifests_name_the_same_variables",
        "tests/cluster/test_configuration.py::test_secret_settings_are_in_the_secret",
        "tests/cluster/test_agreement.py",
    ),
    "An endpoint": (
        "tests/documents/test_api_page.py::test_every_path_of_the_page_is_in_the_contract",
        "tests/documents/test_api_page.py::test_the_page_lists_every_problem_type",
    ),
    "An insight metric": ("tests/insights/test_facts.py::test_the_documentation_lists_every_metric",),
}
"""Tests that compare code, manifests and documents: a file that an example omits fails one of them."""


def apply(diff: str, file: Path) -> None:
    """Change *file* by a listing whose lines begin with a space, a minus or a plus."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = file.read_text()
    assert text.count(before) == 1, f"{file.name} has this {text.count(before)} times:\n{before}"
    file.write_text(text.replace(before, after))


@pytest.mark.parametrize("section", SECTIONS, ids=[section.splitlines()[0] for section in SECTIONS])
def test_an_example_works_in_a_copy(section: str, tmp_path: Path) -> None:
    """The listings apply, touch few files, are formatted, and their test passes, as do those that compare files."""
    title = section.splitlines()[0]
    for name in ("functions", "shared", "knative", "tests", "docs", "frontend/src/lib/design"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", ".gitignore", ".env.sample", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    listings = LISTING.findall(section)
    for name, kind, text in listings:
        file = tmp_path / name
        if kind == "diff":
            apply(text, file)
        else:
            file.write_text(text)
    touched = {name for name, _, _ in listings}
    tests = sorted(name for name in touched if name.startswith("tests/"))

    modules = sorted(name for name in touched if name.endswith(".py"))

    run(tmp_path, "ruff", "check", "--no-cache", *modules)
    run(tmp_path, "ruff", "format", "--no-cache", "--check", *modules)
    run(tmp_path, "pytest", "-n", "0", "-p", "no:cacheprovider", *tests, *COMPARISONS[title])

    assert len(tests) == 1
    assert len(touched) - 1 <= MAX_FILES[title]


def run(folder: Path, tool: str, *arguments: str) -> None:
    """Run a tool in *folder*; its output is the message of a failure."""
    done = subprocess.run(
        [sys.executable, "-m", tool, *arguments], cwd=folder, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
