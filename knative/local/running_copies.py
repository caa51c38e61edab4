"""Running copies of this user: a link to the folder of each run, so that one is found from any checkout."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def register(folder: Path) -> Path:
    """Link to *folder* for as long as it runs; return the link."""
    place = _place()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in place.iterdir():
        if old.is_symlink() and not is_running(old.readlink()):
            old.unlink(missing_ok=True)
    link = place / str(os.getpid())
    link.unlink(missing_ok=True)
    link.symlink_to(folder.resolve())
    return link


def registered_folders() -> Iterator[Path]:
    """Yield the folders of the runs that are registered; one that was killed may be among them."""
    place = _place()
    if place.is_dir() and place.stat().st_uid == os.getuid():
        yield from (link.readlink() for link in sorted(place.iterdir()) if link.is_symlink())


def is_running(folder: Path) -> bool:
    """Return whether a runner uses *folder*."""
    try:
        with (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def _place() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"knative-local-{os.getuid()}"
