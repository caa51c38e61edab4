"""Order of the test files: the longest first, so that no worker begins one when the others are done."""

from pathlib import Path

import pytest

LONGEST = (
    "system",
    "test_extending.py",
    "page",
    "api/test_openapi_fuzzed.py",
    "runner",
    "broker",
    "cluster",
    "insights",
)
"""Folders and files that begin first; the others keep their order."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort *items* by rank."""
    items.sort(key=lambda item: rank(item.path.relative_to(Path(__file__).parent).as_posix()))


def rank(path: str) -> int:
    """Return the place of a file of tests, by its *path*."""
    return next((number for number, start in enumerate(LONGEST) if path.startswith(start)), len(LONGEST))
