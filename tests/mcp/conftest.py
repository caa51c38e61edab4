"""The whole system, and the official client that asks it through the front door."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from tests.reading import UNLIMITED
from tests.running import System
from tests.systems import StartSystem

_EVENING = "2026-11-20T22:00:00+00:00"


@pytest.fixture(scope="package")
def system(start_session_system: StartSystem) -> System:
    """The whole system on a Friday evening, with ten sessions of an invented market."""
    settings = {**UNLIMITED, "ANONYMOUS_HISTORY_DAYS": "30", "HISTORY_SESSIONS": "10"}
    system = start_session_system("--manual", **settings, CLOCK=f"{_EVENING} {_EVENING} 0")
    while system.tick().led_to:
        pass
    system.tick("insights")
    return system


@dataclass(frozen=True)
class Assistant:
    """The official client of a running system."""

    system: System

    def talk(
        self,
        conversation: Callable[[Client], Coroutine[Any, Any, Any]],
        mode: Literal["auto", "legacy"] = "auto",
        **headers: str,
    ) -> Any:
        """Return the outcome of *conversation* with a connected client."""

        async def connected() -> Any:
            async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
                transport = streamable_http_client(f"{self.system.url}/api/mcp", http_client=http)
                async with Client(transport, mode=mode) as client:
                    return await conversation(client)

        return asyncio.run(connected())

    def call(self, tool: str, **arguments: object) -> CallToolResult:
        """Return the result of one tool."""
        return self.talk(lambda client: client.call_tool(tool, arguments))

    def answer(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Return the content of a successful result."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        return json.loads(text_of(result))

    def rows(self, table: str, tool: str, **arguments: object) -> list[dict[str, Any]]:
        """Return the rows of a result's table as objects."""
        answer = self.answer(tool, **arguments)
        assert len({*answer["columns"]}) == len(answer["columns"]), "each figure stands once"
        return [dict(zip(answer["columns"], row, strict=True)) for row in answer[table]]

    def refused(self, tool: str, **arguments: object) -> str:
        """Return the text of a refusal."""
        result = self.call(tool, **arguments)
        assert result.is_error
        return text_of(result)


@pytest.fixture
def assistant(system: System) -> Assistant:
    """The official client."""
    return Assistant(system)


def text_of(result: CallToolResult) -> str:
    """Return the one text of *result*, in which each figure stands once."""
    (text,) = result.content
    assert isinstance(text, TextContent)
    assert result.structured_content is None
    return text.text
