"""The server over standard input and output, started by the official client as an assistant starts it."""

import asyncio
import os
import subprocess
import sys

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult

from tests.mcp.conftest import text_of
from tests.running import ROOT, System


def call(url: str, tool: str, token: str = "") -> CallToolResult:
    """Return the result of a tool of a server that reads from *url*."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "functions.mcp", "--stdio", "--url", url],
        env={"PATH": os.environ["PATH"], "STOCKSALOT_TOKEN": token},
        cwd=ROOT,
    )

    async def connected() -> CallToolResult:
        async with Client(stdio_client(server)) as client:
            return await client.call_tool(tool, {})

    return asyncio.run(connected())


def test_an_assistant_without_http_has_the_same_tools(system: System) -> None:
    """A tool reads from the deployment; the token of the environment goes along."""
    assert '"simulated":true' in text_of(call(f"{system.url}/api", "status"))
    assert "The token is invalid" in text_of(call(f"{system.url}/api", "latest", "sal_nobody"))


def test_another_server_is_named(system: System) -> None:
    """An address that is no StocksALot is an error that says so, not an end of the server."""
    result = call(system.url + "/nowhere", "status")

    assert result.is_error
    assert "StocksALot" in text_of(result)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--stdio"),
        (["--stdio", "--url", "localhost:8080"], "STOCKSALOT_URL: should start with http:// or https://"),
    ],
)
def test_wrong_options_are_one_sentence(options: list[str], words: str) -> None:
    """A forgotten or wrong option is named, without a traceback."""
    ended = subprocess.run(
        [sys.executable, "-m", "functions.mcp", *options], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
