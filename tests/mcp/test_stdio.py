"""The server over standard input and output, started by the official client as an assistant starts it."""

import asyncio
import os
import subprocess
import sys

import httpx2
import pytest
from mcp import Client as Assistant
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult

from functions.mcp.client import Client, ToolError
from knative.local.services.ports import free_port
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
        async with Assistant(stdio_client(server)) as client:
            return await client.call_tool(tool, {})

    return asyncio.run(connected())


def test_an_assistant_without_http_has_the_same_tools(system: System) -> None:
    """A tool reads from the deployment; the token of the environment goes along."""
    assert '"simulated":true' in text_of(call(f"{system.url}/api", "status"))
    assert "The token is invalid" in text_of(call(f"{system.url}/api", "latest", "sal_nobody"))


def test_a_server_that_does_not_respond_is_named() -> None:
    """The host of the address is in the error: it may be the wrong one."""
    result = call(f"http://localhost:{free_port()}/api", "status")

    assert result.is_error
    assert "StocksALot at localhost does not respond (ConnectError)" in text_of(result)


def test_another_server_is_named(system: System) -> None:
    """An address that is no StocksALot is an error that says so, not an end of the server."""
    result = call(system.url + "/nowhere", "status")

    assert result.is_error
    assert text_of(result) == "StocksALot responded 404. Check its address."


@pytest.mark.parametrize("body", ["{}", '{"status": "ok"}', "[]", "<html>"])
def test_another_json_is_no_answer(body: str) -> None:
    """A success of another server is an error, not an empty result."""
    client = Client("http://localhost")
    other = httpx2.MockTransport(lambda _: httpx2.Response(200, text=body))
    client._client = httpx2.AsyncClient(transport=other, base_url="http://localhost")

    with pytest.raises(ToolError, match="localhost did not respond as StocksALot does"):
        asyncio.run(client.get("/status", {}, {}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--stdio"),
        (["--stdio", "--url", "localhost:8080"], "STOCKSALOT_URL: should start with http:// or https://"),
        (["--stdio", "--url", ""], "STOCKSALOT_URL: should start with http:// or https://"),
        (["--stdio", "--url", "http://my host/api"], "STOCKSALOT_URL: should start with http:// or https://"),
        (["--stdio", "--url", "http://localhost/api?key=1"], "STOCKSALOT_URL: should end with the path of the API"),
        (["--stdio", "--url", "http://localhost/api#"], "STOCKSALOT_URL: should end with the path of the API"),
    ],
)
def test_wrong_options_are_one_sentence(options: list[str], words: str) -> None:
    """A forgotten or wrong option is named, without a traceback."""
    check_ending(options, "", words)


@pytest.mark.parametrize("token", ["sal_\u00e4", "sal_a\nb", "sal_a sal_b"])
def test_a_token_that_no_header_carries_is_named(token: str) -> None:
    """Before the server starts, and without the token."""
    assert token not in check_ending(["--stdio"], token, "STOCKSALOT_TOKEN: should be one token")


def check_ending(options: list[str], token: str, words: str) -> str:
    """Return what the server says that ends at once: *words*, and no traceback."""
    command = [sys.executable, "-m", "functions.mcp", *options]
    environment = {**os.environ, "STOCKSALOT_TOKEN": token}
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr
