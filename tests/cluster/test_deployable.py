"""Each function ships alone: it imports what its group lists, its own folder and shared, and nothing else."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.groups import FUNCTIONS, ROOT, group

PACKAGES = {
    "argon2": "argon2-cffi",
    "http_ece": "http-ece",
    "json_repair": "json-repair",
    "py_vapid": "py-vapid",
    "psycopg_pool": "psycopg-pool",
    "python_multipart": "python-multipart",
    "resvg_py": "resvg-py",
    "functions_framework": "functions-framework",
}
"""Import names that differ from the distribution's name."""

OPTIONAL = {"alerts": "apprise", "api": "arrow"}
"""Optional groups: a function works without them."""

SERVED_BY = {"uvicorn", "uvloop", "httptools"}
"""Packages that shared/runtime/server.py uses for every function, by import or by name."""


def imports(path: Path) -> Iterator[str]:
    """Return the absolute names that the file at *path* imports, at the top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively: the framework loads it as `main`, where that fails"
            yield f"{node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def source(module: str) -> Path | None:
    """Return the file of a module of the project, None for any other module."""
    path = ROOT / Path(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def reach(*starts: Path) -> dict[Path, set[str]]:
    """Return every file of the project that *starts* reach by imports, with the names it imports."""
    found: dict[Path, set[str]] = {}
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = set(imports(path))
            waiting += [file for name in found[path] if (file := source(name))]
    return found


def reach_of(function: str) -> dict[Path, set[str]]:
    """Return what a function reaches as it is served; ingest loads its providers by their names."""
    folder = ROOT / "functions" / function
    return reach(folder / "main.py", *folder.glob("providers/*.py"), ROOT / "shared" / "runtime" / "server.py")


def distributions(files: dict[Path, set[str]]) -> set[str]:
    """Return the distributions that *files* import."""
    roots = {name.split(".")[0] for names in files.values() for name in names}
    ours = {"shared", "functions", "knative", "tests"}
    return {PACKAGES.get(root, root) for root in roots - ours - sys.stdlib_module_names}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_exactly_what_its_group_lists(function: str) -> None:
    """A missing package is a crash in the image; a superfluous one costs size and cold start."""
    files = reach_of(function)

    optional = group(OPTIONAL[function]) if function in OPTIONAL else set()
    assert distributions(files) | SERVED_BY == group(function) | optional


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_no_other_function(function: str) -> None:
    """The image of a function holds shared/ and its own folder, no other function's."""
    allowed = (ROOT / "functions" / function, ROOT / "shared")

    strangers = [
        file
        for file in reach(ROOT / "functions" / function / "main.py")
        if file.name != "__init__.py" or file.read_text()
    ]

    assert [
        file for file in strangers if not file.is_relative_to(allowed[0]) and not file.is_relative_to(allowed[1])
    ] == []


@pytest.mark.parametrize("module", ["migrate", "replay", "prune"])
def test_the_jobs_run_in_the_packages_of_store(module: str) -> None:
    """Migration, replay and prune import only what the image of store holds."""
    assert distributions(reach(ROOT / "functions" / "store" / f"{module}.py")) <= group("store")


def test_shared_holds_only_what_two_functions_agree_on() -> None:
    """A module in shared that only one function uses belongs to that function."""
    reached = [reach_of(name) for name in FUNCTIONS]
    modules = [module for module in (ROOT / "shared").rglob("*.py") if module.name != "__init__.py"]

    assert [module for module in modules if sum(module in files for files in reached) < 2] == []


def test_shared_never_imports_a_function() -> None:
    """Functions import shared, never the other way round."""
    names = {name for module in (ROOT / "shared").rglob("*.py") for name in imports(module)}

    assert [name for name in names if name.split(".")[0] in ("functions", "knative", "tests")] == []


def test_only_settings_read_the_environment() -> None:
    """One place for settings; the clock, the log level and the server's start are read before any settings exist."""
    exempt = {ROOT / "shared" / "runtime" / name for name in ("settings.py", "clock.py", "log.py", "server.py")}
    files = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]

    readers = [
        str(file.relative_to(ROOT))
        for file in files
        if file not in exempt and re.search(r"os\.(environ|getenv)", file.read_text())
    ]

    assert readers == []
