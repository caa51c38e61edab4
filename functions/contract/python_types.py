"""Types of the Python client: a TypedDict for each schema of the OpenAPI document."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = '''"""Members of the responses. Made from the OpenAPI document by `make contract`; do not edit.

Numbers with a fraction are Decimal, whole ones int. Instants are RFC 3339 in UTC, dates are days in New York.
"""

import builtins
from decimal import Decimal
from typing import {names}

Number = Decimal | int
'''
_SIMPLE = {"string": "str", "integer": "int", "boolean": "bool", "number": "Number", "null": "None"}


def make_types(document: Mapping[str, Any]) -> str:
    """Return the module: one class for each object, in alphabetical order."""
    classes = "".join(
        f"\n\n{_class(name, schema)}" for name, schema in sorted(document["components"]["schemas"].items())
    )
    names = [name for name in ("Any", "Literal", "NotRequired", "TypedDict") if re.search(rf"\b{name}\b", classes)]
    return _HEAD.format(names=", ".join(names)) + classes


def _class(name: str, schema: Mapping[str, Any]) -> str:
    members = [*_members(schema)]
    if "list" in schema.get("properties", {}):  # the member hides the type
        members = [re.sub(r"(?<![.\w])list\[", "builtins.list[", line) for line in members]
    return "\n".join((f"class {name}(TypedDict):", *members)) + "\n"


def _members(schema: Mapping[str, Any]) -> Iterator[str]:
    if text := schema.get("description"):
        yield f'    """{text}"""' + ("\n" if schema.get("properties") else "")
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        kind = _type(part)
        yield f"    {name}: {kind if name in required else f'NotRequired[{kind}]'}"
    if not schema.get("properties") and not schema.get("description"):
        yield "    pass"


def _type(part: Mapping[str, Any]) -> str:
    """Return the annotation for *part* of a schema."""
    if "$ref" in part:
        return f'"{part["$ref"].rpartition("/")[2]}"'
    if "anyOf" in part:
        kinds = dict.fromkeys(_type(one) for one in part["anyOf"])
        # A forward reference is a text, which has no |.
        return " | ".join(kinds) if not any(kind.startswith('"') for kind in kinds) else _joined(kinds)
    if "const" in part or "enum" in part:
        values = [part["const"]] if "const" in part else part["enum"]
        return f"Literal[{', '.join(json.dumps(one) for one in values)}]"
    if part.get("type") == "array":
        return f"list[{_type(part.get('items', {}))}]"
    if part.get("type") == "object":
        more = part.get("additionalProperties")
        return f"dict[str, {_type(more) if isinstance(more, dict) else 'Any'}]"
    return _SIMPLE.get(part.get("type", ""), "Any")


def _joined(kinds: Mapping[str, Any]) -> str:
    return f'"{" | ".join(kind.replace(chr(34), "") for kind in kinds)}"'
