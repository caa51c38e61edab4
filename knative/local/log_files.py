"""Log files of a run: bounded in size, for every process."""

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)
LARGEST_LOG = 10 * 2**20
_CHECK_SECONDS = 10


def log_files(folder: Path) -> Iterator[Path]:
    """Yield the logs of functions, of the runner and of private servers in *folder*."""
    yield from (folder / "logs").glob("*.log")
    yield from folder.glob("services*/*/log")


async def bound_logs(folder: Path) -> None:
    """Rotate large logs until cancelled."""
    while True:
        for path in log_files(folder):
            rotate(path)
        await asyncio.sleep(_CHECK_SECONDS)


def rotate(path: Path, largest: int = LARGEST_LOG) -> None:
    """Move the text of *path* to `<path>.1` when it is larger than *largest*.

    The process that writes it holds the file open, in append mode: so the text is copied and the file truncated.
    """
    if path.stat().st_size <= largest:
        return
    earlier = path.with_name(f"{path.name}.1")
    try:
        shutil.copyfile(path, earlier)
    except OSError as error:  # a full disk: the space is needed more than the text
        earlier.unlink(missing_ok=True)
        log.warning("%s: %s; its text is dropped", path, error.strerror)
    os.truncate(path, 0)
