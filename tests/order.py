"""Order of the test files: the longest first, so that no worker begins one when the others are done."""

import re
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

LONGEST = (
    "page",
    "system",
    "test_extending.py",
    "api/test_openapi_fuzzed.py",
    "runner",
    "broker",
    "cluster",
    "mcp",
    "insights",
)
"""Folders and files that begin first; the others keep their order."""
TOGETHER = ("tests/documents/", "tests/mcp/", "tests/page/test_(?:[a-d]|em|ex)", "tests/page/test_[f-z]")
"""Beginnings of the paths of files that go to one worker, because they share a running system."""


class FileScheduling(LoadScopeScheduling):
    """Gives each worker whole files, and some of them together."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return next((pattern for pattern in TOGETHER if re.match(pattern, path)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """Return the scheduler of the workers."""
    config.option.loadscopereorder = False  # by number of tests
    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort *items* by rank."""
    items.sort(key=lambda item: rank(item.path.relative_to(Path(__file__).parent).as_posix()))


def rank(path: str) -> int:
    """Return the place of a file of tests, by its *path*."""
    return next((number for number, start in enumerate(LONGEST) if path.startswith(start)), len(LONGEST))
