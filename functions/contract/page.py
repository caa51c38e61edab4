"""HTML page of the OpenAPI document: one static file in the design of the page, rendered from `docs.html.jinja`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt

_FOLDER = Path(__file__).parent
_TOKENS = _FOLDER.parents[1] / "frontend" / "src" / "lib" / "design" / "tokens.css"
_MAX_EXAMPLE_LINES = 60
_ACCESS = {0: "no token", 1: "requires a token", 3: "token or link optional"}


def make_page(document: Mapping[str, Any]) -> str:
    """Return *document* as HTML."""
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"markdown": MarkdownIt().render, "body": _body, "example": _example}
    operations = [
        {"path": path, "method": method, "access": _ACCESS[len(operation["security"])], **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return environment.get_template("docs.html.jinja").render(
        document=document, operations=operations, curl=_curl, style=style(), script=script()
    )


def style() -> str:
    """Content of the page's style element: the page's design tokens, then its rules."""
    # Fonts and comments are left out: the page loads nothing.
    tokens = re.sub(r"/\*.*?\*/|@font-face\s*\{.*?\}", "", _TOKENS.read_text(), flags=re.DOTALL)
    return f"{tokens.strip()}\n{(_FOLDER / 'docs.css').read_text()}"


def script() -> str:
    """Content of the page's script element."""
    return (_FOLDER / "docs.js").read_text()


def _body(example: Mapping[str, Any], media: str) -> str:
    return urlencode(example) if "form" in media else json.dumps(example, indent=2, ensure_ascii=False)


def _example(example: Any) -> str:
    lines = json.dumps(example, indent=2, ensure_ascii=False).splitlines()
    return "\n".join(lines[:_MAX_EXAMPLE_LINES] + (["…"] if len(lines) > _MAX_EXAMPLE_LINES else []))


def _curl(operation: Mapping[str, Any]) -> tuple[str, str]:
    """Return a working command in two parts, before and after the address of the API. TOKEN holds a token."""
    path, method = operation["path"], operation["method"]
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["schema"]["examples"][0]))
    body = operation.get("requestBody", {}).get("content", {})
    command = "curl" if method == "get" or body else f"curl -X {method.upper()}"
    options = ['-H "Authorization: Bearer $TOKEN"'] if len(operation["security"]) == 1 else []
    for media, content in body.items():
        if "form" in media:
            options += [f"--data-urlencode '{name}={value}'" for name, value in content["example"].items()]
        else:
            options.append(f"--json '{json.dumps(content['example'])}'")
    return f"{command} ", " \\\n  ".join([path, *options])
