"""docs/api.md: every example in it is run as it stands, against the running system, in the order of the page."""

import asyncio
import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from mcp import Client

from functions.contract.problems import PROBLEMS
from tests.running import ROOT, System
from tests.systems import StartSystem

EVENING = "2026-11-20T22:00:00+00:00"
PAGE = (ROOT / "docs" / "api.md").read_text()
HOST = "localhost:8080"


def blocks(language: str) -> list[str]:
    """The examples of the page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> System:
    """The whole system on a Friday evening, with twenty sessions of an invented market."""
    system = start_system("--manual", HISTORY_SESSIONS="20", CLOCK=f"{EVENING} {EVENING} 0")
    while system.tick().led_to:
        pass
    return system


@pytest.fixture(scope="module")
def shell(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the shell's examples were run, one after the other; `token` is what they made."""
    folder = tmp_path_factory.mktemp("shell")
    (folder / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    script = "set -eo pipefail\n" + "\n".join(blocks("sh")) + '\necho "$TOKEN" > token\n'
    done = subprocess.run(
        ["bash", "-c", here(script, system)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CURL_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-1000:]
    return folder


def here(text: str, system: System) -> str:
    """*text* with the address of the system that this test runs."""
    assert HOST in text
    return text.replace(HOST, system.url.removeprefix("http://"))


def test_the_shell_gets_what_the_page_says(shell: Path) -> None:
    """Each curl line works; the file has the table, and the token is one."""
    rows = list(csv.DictReader((shell / "colas.csv").open(newline="")))

    assert {row["ticker"] for row in rows} == {"KO", "PEP"}
    assert {row["interval"] for row in rows} == {"1w"}
    assert re.fullmatch("sal_[0-9A-Za-z]{38}\n", (shell / "token").read_text())


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_gets_what_the_page_says(system: System, shell: Path, number: int) -> None:
    """Each program ends well and prints something."""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", here(blocks("python")[number], system)],
        env={**os.environ, "TOKEN": (shell / "token").read_text().strip()},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("formula", blocks("text"))
def test_a_spreadsheet_gets_a_table(system: System, formula: str) -> None:
    """The address in a formula answers a whole table of numbers that need no token."""
    (url,) = re.findall(r'"(http[^"]+)"', here(formula, system))
    answer = httpx.get(url, timeout=30)
    head, *rows = csv.reader(io.StringIO(answer.text, newline=""))

    assert answer.headers["content-type"].startswith("text/csv")
    assert len(rows) >= 20
    assert all(len(row) == len(head) for row in rows)
    assert all(float(row[head.index("close")]) > 0 for row in rows)
    assert all(name in head for name in re.findall(r'\{"(\w+)", ', formula))


def test_an_assistant_finds_the_tools(system: System) -> None:
    """The configuration is JSON whose address leads to the tools that the page names."""
    configuration = json.loads(blocks("json")[0])
    server = configuration["mcpServers"]["stocksalot"]

    async def listed() -> set[str]:
        async with Client(here(server["url"], system)) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assert server["headers"]["Authorization"].startswith("Bearer sal_")
    started = json.loads(blocks("json")[1])["mcpServers"]["stocksalot"]
    assert started["args"][:3] == ["-m", "functions.mcp", "--stdio"]
    assert started["command"].startswith(started["env"]["PYTHONPATH"]), "found from any folder"
    (sentence,) = re.findall(r"^The tools are (.*?)\.", PAGE, re.MULTILINE)
    assert asyncio.run(listed()) == set(re.findall(r"`(\w+)`", sentence))


def test_an_error_looks_as_the_page_shows_it(system: System) -> None:
    """The example of a problem is the answer to such a request."""
    answer = httpx.get(f"{system.url}/api/ohlc/AAPL?limit=0", timeout=30)

    assert answer.json() == json.loads(blocks("json")[2])


def test_every_path_of_the_page_is_in_the_contract(system: System) -> None:
    """The table of paths names what the document of all functions names."""
    table = PAGE.split("## In a shell", maxsplit=1)[0]
    named = {path.split("?")[0] for path in re.findall(r"`(/[a-z_]+[^` ]*)`", table)}

    known = set(system.get("/openapi.json")["paths"]) | {"/mcp"}
    assert named <= known
    assert {path.split("/")[1] for path in known} - {""} <= {path.split("/")[1] for path in named}


def test_the_page_lists_every_problem_type() -> None:
    """The table of errors is the one of the contract."""
    listed = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE)

    assert listed == [
        (str(status), kind, text) for status, (_, kinds) in PROBLEMS.items() for kind, text in kinds.items()
    ]


def test_the_page_lists_every_header(system: System) -> None:
    """Each header of the contract is in the table of headers."""
    assert [name for name in system.get("/openapi.json")["components"]["headers"] if f"`{name}" not in PAGE] == []


def test_the_contract_knows_every_problem_of_the_functions() -> None:
    """Each problem that a public function raises has its status and type in the contract."""
    sources = [file for name in ("functions/api", "functions/insights", "functions/mcp", "functions/token", "shared")
               for file in (ROOT / name).rglob("*.py") if "events" not in file.parts]  # fmt: skip
    raised = {
        (int(status), kind)
        for file in sources
        for status, kind in re.findall(r'Problem\(\s*(\d{3}),\s*"([a-z-]+)"', file.read_text())
    }

    assert raised <= {(status, kind) for status, (_, kinds) in PROBLEMS.items() for kind in kinds}
    assert len(raised) > 15
