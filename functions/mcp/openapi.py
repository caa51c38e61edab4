"""Route of mcp, for the OpenAPI document. No running function imports it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import ConfigDict, Field

from functions.contract.fields import Model
from functions.contract.operations import document_route, header_references

router = APIRouter(tags=["AI assistants"])

Identifier = Annotated[str, Field(max_length=200)]


class McpRequest(Model):
    """A message of the Model Context Protocol: JSON-RPC 2.0. Other members are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, json_schema_extra={"additionalProperties": True})

    jsonrpc: Literal["2.0"]
    id: Annotated[
        int | Identifier, Field(default_factory=int, description="Absent in a notification, never null", examples=[1])
    ]
    method: Annotated[str, Field(examples=["tools/call"])]
    params: Annotated[
        dict[str, Any], Field(default_factory=dict, examples=[{"name": "latest", "arguments": {"tickers": ["AAPL"]}}])
    ]


class McpResponse(Model):
    """Response to a message: its result, or an error."""

    jsonrpc: Literal["2.0"]
    id: Annotated[int | str | None, Field(examples=[1])]
    result: Annotated[dict[str, Any] | None, Field(examples=[{"content": [{"type": "text", "text": "{…}"}]}])] = None
    error: Annotated[dict[str, Any] | None, Field(examples=[None])] = None


_documented = document_route("optional", 404, 408, 413, 415)
_documented["responses"][202] = {
    "description": "A notification was accepted; there is no body",
    "headers": header_references("X-Request-ID"),
}


_error_of_protocol = {"application/json": {"schema": {"$ref": "#/components/schemas/McpResponse"}}}
_documented["responses"][400] = {
    "description": "The body is invalid, or an error of JSON-RPC says that MCP-Protocol-Version or _meta is wrong",
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        **_error_of_protocol,
    },
}
_documented["responses"][406] = {
    "description": "Accept excludes application/json; the body is an error of JSON-RPC",
    "content": _error_of_protocol,
}


@router.post("/mcp", **_documented)
def mcp(
    message: McpRequest,
    accept: Annotated[
        str, Header(description="Both types, as the protocol asks", examples=["application/json, text/event-stream"])
    ] = "application/json, text/event-stream",
) -> McpResponse:  # pyright: ignore[reportReturnType]
    """Message of an AI assistant, in the Model Context Protocol over streamable HTTP.

    Stateless: there are no sessions and no streams, and every message is one POST. The tools are those of `tools/list`.
    """
