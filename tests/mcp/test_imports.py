"""Imports of function mcp: only the server of the SDK."""

import subprocess
import sys

_SERVED = "import sys, functions.mcp.endpoint; print(*(name for name in sys.modules if name.startswith('mcp.')))"
_BOTH = "import functions.mcp.sdk as sdk, mcp; print(mcp.Client.__name__, mcp.types.Tool is sdk.Tool)"


def _run(code: str) -> list[str]:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()


def test_the_function_imports_neither_the_client_nor_the_second_server_of_the_sdk() -> None:
    loaded = _run(_SERVED)
    assert "mcp.server.lowlevel.server" in loaded
    assert [name for name in loaded if name.startswith(("mcp.client", "mcp.server.mcpserver"))] == []


def test_a_program_that_imports_the_function_has_the_whole_sdk_as_well() -> None:
    assert _run(_BOTH) == ["Client", "True"]
