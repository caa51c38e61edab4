"""The MCP endpoint, called by the official client over HTTP through the front door."""

import json
import re
from typing import Any, Literal

import httpx
import jsonschema_rs
import pytest
from mcp import Client

from tests.mcp.conftest import Assistant, text_of
from tests.running import System

TOOLS = {"latest", "bars", "movers", "insights", "coverage", "tickers", "status", "calendar", "alerts", "set_alert"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_clients_of_either_age_find_the_tools(assistant: Assistant, mode: Literal["auto", "legacy"]) -> None:
    """With the handshake of old or without: each tool has a description and typed arguments."""

    async def conversation(client: Client) -> Any:
        return client.server_info, await client.list_tools()

    info, listed = assistant.talk(conversation, mode)

    assert info.name == "stocksalot"
    assert {tool.name for tool in listed.tools} == TOOLS
    for tool in listed.tools:
        assert tool.description
        assert tool.input_schema["additionalProperties"] is False
        assert tool.annotations
        assert tool.annotations.read_only_hint is (tool.name != "set_alert")


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("latest", {"tickers": ["NOPE"]}, "Unknown: NOPE"),
        ("latest", {"tickers": ["APPL"]}, "Did you mean AAPL?"),
        ("latest", {"tickers": ["../status"]}, "should be tickers"),
        ("latest", {"tickers": "AAPL"}, "tickers should be a list, not text"),
        ("latest", {"tickers": ["AAPL"] * 21}, "tickers should be a list of at most 20 items"),
        ("latest", {"ticker": "AAPL"}, "ticker is unknown. Fields: tickers, list, after"),
        ("bars", {}, "tickers is missing"),
        ("bars", {"tickers": ["AAPL"], "start": "yesterday"}, "start should be a date"),
        (
            "bars",
            {"tickers": ["AAPL"], "start": "2020-01-01"},
            "requires a token. The person who set up this connection",
        ),
        ("bars", {"tickers": ["AAPL"], "interval": "2h"}, "interval should be 1h, 1d, 1w or 1mo"),
        ("bars", {"tickers": ["AAPL"], "cursor": "forged"}, "should be the cursor in next"),
        ("movers", {"limit": 101}, "limit should be a whole number of at most 100"),
        ("movers", {"limit": "many"}, "limit should be a whole number, not text"),
        ("insights", {"ticker": "&"}, "should be a ticker"),
        ("insights", {"session": "2026-11-20T14:30:00Z"}, "session should be text of at most 10 characters"),
        ("insights", {"ticker": "AAPL", "list": "Tech"}, "list cannot be combined with ticker"),
        ("insights", {"list": "Tech"}, "requires a token"),
        ("insights", {"session": "Friday"}, "session should be a day at the exchange"),
        ("tickers", {"search": ""}, "search should be text of at least 1 character"),
        ("tickers", {"search": " "}, "search should be a ticker or a part of a name, such as search=micro"),
        ("latest", {"tickers": []}, "tickers should be a list of at least 1 item"),
        ("calendar", {"start": "2026-11-20", "end": "2026-11-19"}, "end should be later than start"),
        ("sell", {}, "There is no tool sell. Tools: latest"),
    ],
)
def test_a_refusal_says_what_to_change(assistant: Assistant, tool: str, arguments: dict[str, Any], words: str) -> None:
    """In words of ours, about arguments and tools: no link, no path and no name of a library."""
    text = assistant.refused(tool, **arguments)

    assert words in text
    assert not re.search(r"https?:|(^|\s)/\w|pydantic|msgspec|validation error", text)


def test_the_caller_is_who_the_api_sees(assistant: Assistant) -> None:
    """The token goes along: one that is not valid is refused by the function that knows tokens."""
    result = assistant.talk(lambda client: client.call_tool("latest", {}), Authorization="Bearer sal_nobody")

    assert "The token is invalid" in text_of(result)


POST = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def post(system: System, content: bytes | str, **headers: str) -> httpx.Response:
    """The answer to a message as bytes."""
    return httpx.post(f"{system.url}/api/mcp", content=content, headers={**POST, **headers}, timeout=30)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        ("", {}, 400),
        ("{", {}, 400),
        ("[]", {}, 400),
        ("null", {}, 400),
        ("[" * 50_000, {}, 400),
        ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":' + '"x' * 40_000, {}, 413),
        (b"\xff\xfe", {}, 400),
        ('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', {}, 400),
        (
            '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"movers","arguments":{"limit":NaN}}}',
            {},
            400,
        ),
        ('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', {"Content-Type": "text/plain"}, 415),
        ('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', {"Accept": "text/html"}, 406),
        ('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', {"MCP-Protocol-Version": "1999-01-01"}, 400),
        (json.dumps({"jsonrpc": "2.0", "id": "x" * 201, "method": "tools/list"}), {}, 400),
        (json.dumps({"jsonrpc": "2.0", "id": None, "method": "ping"}), {}, 400),
        ('{"jsonrpc":"2.0","method":"notifications/initialized"}', {}, 202),
    ],
)
def test_odd_messages_are_refused(system: System, content: bytes | str, headers: dict[str, str], status: int) -> None:
    """A body that is no message is a clean 4xx; the next message is answered."""
    answer = post(system, content, **headers)

    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text
    assert post(system, '{"jsonrpc":"2.0","id":1,"method":"ping"}').status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"jsonrpc": 0}, "jsonrpc should be 2.0, not a whole number"),
        ({"jsonrpc": "1.0"}, "jsonrpc should be 2.0"),
        ({"method": None}, "method should be text, not null"),
        ({"id": None}, "id should be a whole number or text, not null"),
        ({"id": 1.5}, "id should be"),
        ({"id": "x" * 201}, "id should be text of at most 200 characters"),
        ({"params": []}, "params should be an object, not a list"),
    ],
)
def test_a_refused_message_says_what_to_change(system: System, change: dict[str, Any], words: str) -> None:
    """In words of ours too, and with the field that is wrong."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "latest", "arguments": {}}}

    answer = post(system, json.dumps({**message, **change}))

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert words in answer.json()["detail"]
    assert "pydantic" not in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"id": "x" * 200},
        {"id": "x" * 201},
        {"id": None},
        {"id": 1.5},
        {"jsonrpc": "1.0"},
        {"method": None},
        {"params": []},
        {"trace": 42},
    ],
    ids=str,
)
def test_the_document_admits_the_messages_that_the_endpoint_admits(system: System, change: dict[str, Any]) -> None:
    """Members that JSON-RPC does not know are ignored."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}, **change}
    document = system.get("/openapi.json")
    schema = {"$ref": "#/components/schemas/McpRequest", "components": document["components"]}

    admitted = jsonschema_rs.Draft202012Validator(schema).is_valid(message)

    assert admitted == (post(system, json.dumps(message)).status_code == 200)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_is_no_stream_and_no_session(system: System, method: str) -> None:
    """Nothing keeps a connection, and with it a copy, for what will never be said."""
    answer = httpx.request(method, f"{system.url}/api/mcp", headers={"Accept": "text/event-stream"}, timeout=30)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert httpx.post(f"{system.url}/api/mcp/x", timeout=30).status_code == 404


def test_any_copy_answers(system: System) -> None:
    """No answer hangs on an earlier message: a tool can be called without any handshake."""
    answer = post(system, json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
                                      "params": {"name": "status", "arguments": {}}}))  # fmt: skip

    (text,) = answer.json()["result"]["content"]
    assert json.loads(text["text"])["answered_at"] == "2026-11-20T22:00:00Z"
    assert "mcp-session-id" not in answer.headers
