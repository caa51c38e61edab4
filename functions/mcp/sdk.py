"""The MCP SDK's server without its client, and its models without validators: two fifths of the SDK's import.

The packages `mcp` and `mcp.server` import a client and a second server before any of their modules can be imported.
Here each runs its code only once a missing name is requested, which the server never does.
"""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from pydantic import BaseModel


class _Package(ModuleType):
    """A package whose code runs once a name is missing in it; its submodules can be imported before."""

    has_run = False

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if self.has_run or name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.has_run = True
        spec.loader.exec_module(self)
        return getattr(self, name)


def _import_server() -> None:
    """Import the server and its models; each model makes its validator when it is first used."""
    for name in ("mcp", "mcp.server"):
        if name not in sys.modules and (spec := find_spec(name)):
            sys.modules[name] = module_from_spec(spec)
            sys.modules[name].__class__ = _Package
    sys.modules["mcp"].__dict__["server"] = sys.modules["mcp.server"]
    BaseModel.model_config["defer_build"] = True
    try:
        import mcp.server.lowlevel  # noqa: F401
    finally:
        del BaseModel.model_config["defer_build"]


_import_server()

from mcp.server.context import ServerRequestContext  # noqa: E402
from mcp.server.lowlevel import Server  # noqa: E402
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: E402
from mcp.server.transport_security import TransportSecuritySettings  # noqa: E402
from mcp.types import (  # noqa: E402
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

__all__ = [
    "CallToolRequestParams",
    "CallToolResult",
    "ListToolsResult",
    "PaginatedRequestParams",
    "Server",
    "ServerRequestContext",
    "StreamableHTTPSessionManager",
    "TextContent",
    "Tool",
    "ToolAnnotations",
    "TransportSecuritySettings",
]
