"""The tutorial and the guides for one machine: every block of shell and Python runs, and shows what the text shows."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.running import ROOT, System
from tests.systems import StartSystem

EVENING = "2026-11-20T22:00:00+00:00"
HOST = "localhost:8080"
PAGES = ("start/first-hour.md", "howto/one-machine.md", "howto/spreadsheets.md")


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> System:
    """The whole system on a Friday evening, with thirty sessions of an invented market."""
    system = start_system("--manual", HISTORY_SESSIONS="30", CLOCK=f"{EVENING} {EVENING} 0")
    while system.tick().led_to:
        pass
    system.tick("insights")
    return system


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of each block of *page* that is run or shows what is printed."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in found if block[0] in ("sh", "python", "text")]


def script_of(page: str, system: System) -> str:
    """Return a shell script of all blocks, which prints a line of its own before the output of each."""
    parts = ["set -eo pipefail"]
    for number, (language, text) in enumerate(blocks(page)):
        if language == "sh":
            parts += [f"echo '== {number}'", text]
        elif language == "python":
            parts += [f"echo '== {number}'", f".venv/bin/python - <<'PROGRAM'\n{text}PROGRAM"]
    script = "\n".join(parts).replace(HOST, system.url.removeprefix("http://"))
    return re.sub(r"(-m knative\.local \w+)", rf"\1 --folder {system.folder}", script)


@pytest.mark.parametrize("page", PAGES)
def test_a_reader_can_follow_it(system: System, page: str, tmp_path: Path) -> None:
    """Each block ends well; where the page shows the output, it is that one but for the figures."""
    for name in (".venv", "knative", "functions", "shared", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    environment = {"PATH": os.environ["PATH"], "CURL_HOME": str(tmp_path), "DATABASE_URL": system.database_url}

    done = subprocess.run(
        ["bash", "-c", script_of(page, system)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    printed = dict(re.findall(r"^== (\d+)\n(.*?)(?=^== |\Z)", done.stdout, re.MULTILINE | re.DOTALL))
    shown = blocks(page)
    for number, (language, text) in enumerate(shown):
        if language == "text":
            assert without_figures(printed[str(number - 1)]) == without_figures(text)
    assert all(printed[str(number)].strip() for number, (language, _) in enumerate(shown) if language != "text")


def without_figures(text: str) -> str:
    """Return *text* with each number as 0."""
    return re.sub(r"\d+(\.\d+)?", "0", text).strip()
