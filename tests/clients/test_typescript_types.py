"""The types for TypeScript: an example that compiles with them, and runs against a running system."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.reading import ROOT
from tests.running import System

FRONTEND = ROOT / "frontend"
FOLDER = ROOT / "clients" / "typescript"
STRICT = (
    "--ignoreConfig", "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--allowImportingTsExtensions",
    "--target", "esnext", "--module", "nodenext", "--types", "node",
    "--typeRoots", str(FRONTEND / "node_modules/@types"),
)  # fmt: skip


def npm(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the page's packages with the project's own Node.js."""
    script = ["scripts/npm", "exec", "--no", "--", *command]
    return subprocess.run(script, cwd=FRONTEND, capture_output=True, text=True, timeout=120)


def test_the_example_has_the_types_of_the_api() -> None:
    """It compiles as strictly as the page."""
    done = npm("tsc", *STRICT, str(FOLDER / "example.ts"))

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_member_that_the_api_has_not_does_not_compile(tmp_path: Path) -> None:
    """The types say which members there are."""
    shutil.copy(FOLDER / "index.d.ts", tmp_path)
    wrong = tmp_path / "example.ts"
    wrong.write_text((FOLDER / "example.ts").read_text().replace("bar.complete", "bar.completeness"))

    done = npm("tsc", *STRICT, str(wrong))

    assert "'completeness' does not exist" in done.stdout


def test_the_example_runs(system: System) -> None:
    """It prints the newest close and five days."""
    example = str(FOLDER / "example.ts")
    done = npm("node", "--disable-warning=ExperimentalWarning", example, f"{system.url}/api", "AAPL")

    assert done.returncode == 0, done.stderr
    newest, *days = done.stdout.splitlines()
    assert re.fullmatch(r"AAPL [0-9.]+ 2026-11-20T21:00:00Z", newest)
    assert len(days) == 5
    assert days[-1].startswith("2026-11-20 ")
