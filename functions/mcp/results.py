"""Tool results: the part of a response that the tool's schema in `result_schemas.json` describes.

`python -m functions.contract` writes the schemas from the response models of the functions.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp.types import CallToolResult, TextContent

SCHEMAS: Mapping[str, dict[str, Any]] = json.loads(Path(__file__).with_name("result_schemas.json").read_text())


def make_result(tool: str, response: Mapping[str, Any]) -> CallToolResult:
    """Return the tool's part of *response*, as an object and as the same in text, without spaces, which cost tokens."""
    content = select(SCHEMAS[tool], response)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)


def select(schema: Mapping[str, Any], value: Any) -> Any:
    """Return the members of *value* that *schema* lists; an absent one has its default."""
    if value is None:
        return None
    if "anyOf" in schema:
        return select(schema["anyOf"][0], value)
    if "items" in schema:
        return [select(schema["items"], item) for item in value]
    if "properties" in schema:
        members = schema["properties"].items()
        return {name: select(member, value.get(name, member.get("default"))) for name, member in members}
    return value
