"""JSON Schema: removal of keywords, and example values made of the examples of fields."""

from collections.abc import Mapping
from typing import Any

_BY_TYPE: Mapping[str, Any] = {"string": "…", "boolean": True, "integer": 1, "number": 1.5}


def without(schema: Any, *keywords: str) -> Any:
    """Return *schema* without *keywords*; members of these names stay."""
    if isinstance(schema, list):
        return [without(part, *keywords) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: without(part, *keywords)
        for name, part in schema.items()
        if name not in keywords or isinstance(part, dict)
    }


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Return an example of *schema*; references lead to *schemas*."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example(schemas[schema["$ref"].split("/")[-1]], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if schema.get("default", []) != []:
        return schema["default"]
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)]
    if schema.get("type") == "object":
        members, required = schema.get("properties", {}), schema.get("required", ())
        shown = {name: member for name, member in members.items() if name in required or _has_value(member)}
        return {name: example(member, schemas) for name, member in shown.items()}
    if schema.get("format") == "date-time":
        return "2026-11-20T14:30:00Z"
    return _BY_TYPE[schema["type"]]


def _has_value(member: Mapping[str, Any]) -> bool:
    """True if an optional member has a default or an example."""
    return "default" in member or any("examples" in option for option in (member, *member.get("anyOf", ())))
