"""The clients against a running system: the wheel as it is built."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reading import ROOT, UNLIMITED
from tests.running import System
from tests.systems import StartSystem
from tests.waiting import wait_until

EVENING = "2026-11-20T22:00:00+00:00"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the Python client."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT / "clients" / "python", check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def stocksalot(wheel: Path) -> Iterator[Any]:
    """The package, imported from the wheel."""
    sys.path.insert(0, str(wheel))
    import stocksalot

    yield stocksalot
    sys.path.remove(str(wheel))


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> System:
    """The whole system on a Friday evening, with ten sessions of an invented market."""
    settings = {**UNLIMITED, "HISTORY_SESSIONS": "10"}
    system = start_system("--manual", **settings, CLOCK=f"{EVENING} {EVENING} 0")
    while system.tick().led_to:
        pass
    system.tick("insights")
    wait_until(lambda: system.get("/insights")["count"] == 7, 60)
    return system
