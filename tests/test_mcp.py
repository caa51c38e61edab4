"""The Model Context Protocol face, asked by the official client over HTTP through the front door."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Literal

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from tests.reading import UNLIMITED
from tests.running import System, running

TOOLS = {"latest", "bars", "movers", "insights", "coverage", "tickers", "status"}
EVENING = "2026-11-20T22:00:00+00:00"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system on a Friday evening, with ten sessions of an invented market."""
    settings = {**UNLIMITED, "ANONYMOUS_HISTORY_DAYS": "30", "HISTORY_SESSIONS": "10"}
    clock = f"{EVENING} {EVENING} 0"
    with running(tmp_path_factory.mktemp("mcp"), {**settings, "CLOCK": clock}, "--manual") as system:
        while system.tick().led_to:
            pass
        system.tick("insights")
        yield system


def talk(
    system: System,
    conversation: Callable[[Client], Coroutine[Any, Any, Any]],
    mode: Literal["auto", "legacy"] = "auto",
    **headers: str,
) -> Any:
    """What *conversation* gets out of a client that is connected through the front door."""

    async def connected() -> Any:
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            transport = streamable_http_client(f"{system.url}/api/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await conversation(client)

    return asyncio.run(connected())


def call(system: System, tool: str, **arguments: object) -> CallToolResult:
    """The result of one tool."""
    return talk(system, lambda client: client.call_tool(tool, arguments))


def content(result: CallToolResult) -> dict[str, Any]:
    """What a tool has answered, the same as an object and as text."""
    assert not result.is_error, result.content
    (text,) = result.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == result.structured_content
    assert result.structured_content
    return result.structured_content


def refused(result: CallToolResult) -> str:
    """With which words a tool refused."""
    assert result.is_error
    (text,) = result.content
    assert isinstance(text, TextContent)
    return text.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_clients_of_either_age_find_the_tools(system: System, mode: Literal["auto", "legacy"]) -> None:
    """With the handshake of old or without: each tool has a description, typed inputs and a typed answer."""

    async def conversation(client: Client) -> Any:
        return client.server_info, await client.list_tools()

    info, listed = talk(system, conversation, mode)

    assert info.name == "stocksalot"
    assert {tool.name for tool in listed.tools} == TOOLS
    for tool in listed.tools:
        assert tool.description
        assert tool.output_schema
        assert tool.annotations
        assert tool.annotations.read_only_hint


def test_latest_is_what_the_api_says(system: System) -> None:
    """Every figure of the newest bars is the API's, with its time and source."""
    api = {item["ticker"]: item for item in system.get("/latest")["items"]}

    answer = content(call(system, "latest", tickers=["AAPL", "brk.a"]))

    assert [item["ticker"] for item in answer["items"]] == ["AAPL", "BRK.A"]
    for item in answer["items"]:
        assert item == {name: api[item["ticker"]][name] for name in item}
        assert item["source"] == "simulated"
        assert item["end"]
    assert len(content(call(system, "latest"))["items"]) == 50
    assert answer["as_of"] == "2026-11-20T21:00:00Z"


def test_bars_are_what_the_api_says(system: System) -> None:
    """A window of days of two tickers; what is left out is said to be there."""
    answer = content(call(system, "bars", tickers=["AAPL", "KO"], interval="1d", limit=6))

    api = system.get("/ohlc", tickers="AAPL,KO", interval="1d", limit=3)
    assert [item["close"] for item in answer["items"]] == [item["close"] for item in api["items"]]
    assert answer["more"]
    assert all(item["source"] == "simulated" and item["complete"] for item in answer["items"])
    none = content(call(system, "bars", tickers=["AAPL"], as_of="2026-11-01"))
    assert (none["items"], none["known_at"]) == ([], "2026-11-01T04:00:00Z")


def test_movers_are_what_the_api_says(system: System) -> None:
    """The ranking, in flat objects, with the words that define it."""
    answer = content(call(system, "movers", kind="volatile", basis="session_open", limit=4))

    api = system.get("/movers", kind="volatile", basis="session_open", limit=4)
    assert [
        (item["ticker"], item["change"], item["range_percent"], item["basis_price"]) for item in answer["items"]
    ] == [
        (item["profile"]["ticker"], item["change"], item["window"]["range_percent"], item["basis_price"])
        for item in api["items"]
    ]
    assert answer["definition"] == api["definition"]
    most = content(call(system, "movers", kind="active", limit=1000))["items"]
    assert len(most) == system.get("/movers", kind="active", limit=1000)["count"]


def test_coverage_tickers_and_status_are_what_the_api_says(system: System) -> None:
    """The other tools of api, each against its path."""
    coverage = content(call(system, "coverage", tickers=["AAPL"]))
    assert coverage["totals"] == system.get("/coverage", tickers="AAPL", detail="totals")["totals"]
    assert coverage["incomplete"] == []
    names = content(call(system, "tickers"))["items"]
    assert [item["ticker"] for item in names] == [item["ticker"] for item in system.get("/tickers")["items"]]
    status = content(call(system, "status"))
    assert (status["market"]["state"], status["simulated"], status["stale"]) == ("closed", True, False)


def test_insights_are_what_the_function_says(system: System) -> None:
    """The sentences of the newest hour, with their facts; of one ticker those that tell of it."""
    (hour,) = content(call(system, "insights"))["items"]

    (api,) = system.get("/insights", limit=1)["items"]
    assert [one["insight"] for one in hour["insights"]] == [one["insight"] for one in api["insights"]]
    assert [fact["value"] for one in hour["insights"] for fact in one["facts"]] == [
        fact["value"] for one in api["insights"] for fact in one["facts"]
    ]
    assert (hour["end"], hour["source"]) == (api["end"], "simulated")
    ticker = next(ticker for one in hour["insights"] for ticker in one["tickers"])
    assert content(call(system, "insights", ticker=ticker, session="2026-11-20"))["items"]
    assert "should be a ticker" in refused(call(system, "insights", ticker="&"))


def test_what_the_api_refuses_is_told_in_its_words(system: System) -> None:
    """A problem is an error of the tool that the model can act on; a wrong argument never reaches the API."""
    assert "Unknown: NOPE" in refused(call(system, "latest", tickers=["NOPE"]))
    assert "should be tickers" in refused(call(system, "latest", tickers=["../status"]))
    assert "start should be a date" in refused(call(system, "bars", tickers=["AAPL"], start="yesterday"))
    assert "needs a token" in refused(call(system, "bars", tickers=["AAPL"], start="2020-01-01"))
    assert "interval" in refused(call(system, "bars", tickers=["AAPL"], interval="2h"))
    assert "limit" in refused(call(system, "movers", limit=1001))
    assert "Unknown tool" in refused(call(system, "sell"))


def test_the_caller_is_who_the_api_sees(system: System) -> None:
    """The token goes along: one that is not valid is refused by the function that knows tokens."""
    result = talk(system, lambda client: client.call_tool("latest", {}), Authorization="Bearer sal_nobody")

    assert "The token is invalid" in refused(result)


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
        ('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', {"Content-Type": "text/plain"}, 400),
        ('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', {"Accept": "text/html"}, 406),
        ('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', {"MCP-Protocol-Version": "1999-01-01"}, 400),
        ('{"jsonrpc":"2.0","method":"notifications/initialized"}', {}, 202),
    ],
)
def test_odd_messages_are_refused(system: System, content: bytes | str, headers: dict[str, str], status: int) -> None:
    """What is no message is a clean 4xx; the next message is answered."""
    answer = post(system, content, **headers)

    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text
    assert post(system, '{"jsonrpc":"2.0","id":1,"method":"ping"}').status_code == 200


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

    assert answer.json()["result"]["structuredContent"]["answered_at"] == "2026-11-20T22:00:00Z"
    assert "mcp-session-id" not in answer.headers
