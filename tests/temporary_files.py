"""Temporary files of the tests in memory: a database is copied in 50 ms, on a disk that others use in 900."""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
NEEDED_BYTES = 5 * 2**30
"""A whole run's files, and as much again."""


def use_memory() -> None:
    """Let this process and those that it starts write temporary files to memory, unless TMPDIR names a place."""
    if "TMPDIR" not in os.environ and has_room(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def has_room(folder: Path) -> bool:
    """Return whether *folder* can be written to, runs programs and has the bytes that the tests need."""
    if not os.access(folder, os.W_OK):
        return False
    return not os.statvfs(folder).f_flag & os.ST_NOEXEC and shutil.disk_usage(folder).free > NEEDED_BYTES
