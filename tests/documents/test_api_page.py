"""docs/api.md names what there is: paths, tools, types of problems, headers."""

import asyncio
import json
import re

from mcp import Client

from functions.contract.document import make_document
from functions.contract.problems import PROBLEMS
from tests.documents.blocks import HOST, blocks_of
from tests.documents.conftest import Deployment
from tests.running import ROOT

FILE = ROOT / "docs" / "api.md"
PAGE = FILE.read_text()


def test_an_assistant_finds_the_tools(deployment: Deployment) -> None:
    """The configuration is JSON whose address leads to the tools that the page names."""
    configurations = [json.loads(block.text) for block in blocks_of(FILE) if "mcpServers" in block.text]
    server, started = (one["mcpServers"]["stocksalot"] for one in configurations)

    async def listed() -> set[str]:
        async with Client(deployment.local(server["url"])) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assert server["url"].startswith(HOST)
    assert server["headers"]["Authorization"].startswith("Bearer sal_")
    assert started["args"][:3] == ["-m", "functions.mcp", "--stdio"]
    assert started["command"].startswith(started["env"]["PYTHONPATH"]), "found from any folder"
    (sentence,) = re.findall(r"^The tools are (.*?)\.", PAGE, re.MULTILINE)
    assert asyncio.run(listed()) == set(re.findall(r"`(\w+)`", sentence))


def test_every_path_of_the_page_is_in_the_contract() -> None:
    """The table of paths names what the document of all functions names."""
    table = PAGE.split("## In a shell", maxsplit=1)[0]
    named = {path.split("?")[0] for path in re.findall(r"`(/[a-z_]+[^` ]*)`", table)}

    known = set(make_document()["paths"])
    assert named <= known
    assert {path.split("/")[1] for path in known} - {""} <= {path.split("/")[1] for path in named}


def test_the_page_lists_every_problem_type() -> None:
    """The table of errors is the one of the contract."""
    listed = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE)

    assert listed == [
        (str(status), kind, text) for status, (_, kinds) in PROBLEMS.items() for kind, text in kinds.items()
    ]


def test_the_page_lists_every_header(deployment: Deployment) -> None:
    """Each header of the contract is in the table of headers."""
    headers = deployment.system.get("/openapi.json")["components"]["headers"]

    assert [name for name in headers if f"`{name}" not in PAGE] == []


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
