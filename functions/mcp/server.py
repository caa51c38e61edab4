"""MCP server: lists the tools and calls them, for any transport of the SDK."""

from collections.abc import Mapping
from typing import Any

import msgspec

from functions.mcp import tools
from functions.mcp.client import ToolError
from functions.mcp.sdk import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    Server,
    ServerRequestContext,
    TextContent,
    Tool,
    ToolAnnotations,
)
from shared.http.field_errors import describe_error

INSTRUCTIONS = (
    "Market data of the largest US stocks from a StocksALot: hourly bars, and figures computed from them. "
    "Every result has its age (as_of) and its source (simulated means invented): state both when you quote a figure. "
    "Tables have columns and rows. If more is true, call again with the arguments in next as well. "
    "Instants are UTC; dates are days in New York. "
    "Prices are for information, not advice. An error names the change to make."
)
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_MAKES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
_FORWARDED = ("authorization", "x-forwarded-for", "x-request-id", "traceparent", "tracestate")
"""Headers of the caller: their permissions and limits apply, and logs share one request ID."""


def make_server(served: tools.Tools) -> Server[Any]:
    """Return the MCP server of the tools."""
    by_name = {tool.name: tool for tool in served.all()}
    listed = ListToolsResult(tools=[_describe(tool) for tool in by_name.values()])

    async def list_tools(_: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return listed

    async def call_tool(context: ServerRequestContext[Any], call: CallToolRequestParams) -> CallToolResult:
        try:
            text, failed = await _call(by_name, call, _caller(context)), False
        except ToolError as error:
            text, failed = str(error), True
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=failed)

    return Server(
        "stocksalot",
        title="StocksALot",
        version="1",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _describe(tool: tools.Tool) -> Tool:
    """Return the description of *tool* for assistants."""
    _, components = msgspec.json.schema_components([tool.model])
    schema = components[tool.model.__name__]
    shown = {name: schema[name] for name in ("type", "properties", "required", "additionalProperties")}
    return Tool(
        name=tool.name, description=tool.description, input_schema=shown, annotations=_READS if tool.reads else _MAKES
    )


async def _call(by_name: Mapping[str, tools.Tool], call: CallToolRequestParams, headers: Mapping[str, str]) -> str:
    """Return the text of the result; ToolError for an unknown tool or wrong arguments."""
    tool = by_name.get(call.name)
    if tool is None:
        raise ToolError(f"There is no tool {call.name[:60]}. Tools: {', '.join(by_name)}.")
    try:
        asked = msgspec.convert(call.arguments or {}, tool.model, strict=False)
    except msgspec.ValidationError as error:
        raise ToolError(" ".join(describe_error(error, tool.model)).strip()) from None
    return await tool.call(asked, headers)


def _caller(context: ServerRequestContext[Any]) -> dict[str, str]:
    """Return the headers of the HTTP request that carries the call; none on other transports."""
    request = context.request
    return {name: request.headers[name] for name in _FORWARDED if name in request.headers} if request else {}
