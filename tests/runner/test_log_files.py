"""Logs of a run have a bound, and the copies that run are found."""

import fcntl
from pathlib import Path

import pytest

from knative.local import log_files
from knative.local.client import NotRunningError, find, find_folder
from knative.local.log_files import rotate
from knative.local.running_copies import register


def test_a_large_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    """The process that has it open goes on writing at its new beginning; one earlier part stays."""
    path = tmp_path / "logs" / "api.log"
    path.parent.mkdir()
    with path.open("ab", buffering=0) as writer:
        for part in (b"first\n", b"second\n", b"third\n"):
            writer.write(part)
            rotate(path, 5)
        writer.write(b"fourth\n")

    assert path.read_text() == "fourth\n"
    assert path.with_name("api.log.1").read_text() == "third\n"
    assert list(log_files.log_files(tmp_path)) == [path]


def test_a_full_disk_costs_the_text_and_not_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no copy can be made the log is emptied all the same."""
    path = tmp_path / "api.log"
    path.write_text("x" * 100)
    monkeypatch.setattr(log_files.shutil, "copyfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))

    rotate(path, 10)

    assert path.read_text() == ""
    assert list(tmp_path.iterdir()) == [path]


def test_the_only_running_copy_is_found_from_any_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --port the one that runs is used; with two, or a port, nothing is guessed and both are named."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    running, here = tmp_path / "elsewhere", tmp_path / "here"
    running.mkdir()
    with (running / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        register(running)

        assert find_folder(None, None, here) == running
        assert find_folder(None, 8080, here) == here / "8080"
        assert find_folder(tmp_path, None, here) == tmp_path
        with pytest.raises(NotRunningError, match=f"--folder: {running}$"):
            find(here / "8080")

    assert find_folder(None, None, here) == here / "8080"
