"""The document as a page for people: one file that loads nothing, not even a script."""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

_STYLE = Path(__file__).with_name("page.css")
_HOST = "http://localhost:8080/api"
_LONGEST_EXAMPLE = 60


def style() -> str:
    """Return what stands in the page's one style element."""
    return _STYLE.read_text()


def make_page(document: Mapping[str, Any]) -> str:
    """Return *document* as HTML."""
    groups = {tag["name"]: tag["description"] for tag in document["tags"]}
    found = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>StocksALot API</title>
<link rel="icon" href="data:,">
<style>{style()}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<div class="frame">
<nav aria-label="Operations">
<a href="#content">StocksALot API</a>
{"".join(_links(name, found) for name in groups)}
<b>Reference</b><a href="#errors">Errors</a><a href="openapi.json">openapi.json</a>
</nav>
<main id="content">
<h1>StocksALot API</h1>
{_text(document["info"]["description"])}
{"".join(_group(name, text, found) for name, text in groups.items())}
{_errors(document)}
</main>
</div>
</body>
</html>
"""


def _links(group: str, found: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    links = "".join(
        f'<a href="#{operation["operationId"]}"><span class="method {method}">{method.upper()}</span>'
        f"<span>{escape(path)}</span></a>"
        for path, method, operation in found
        if group in operation["tags"]
    )
    return f"<b>{escape(group)}</b>{links}"


def _group(name: str, text: str, found: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    parts = "".join(_operation(path, method, one) for path, method, one in found if name in one["tags"])
    return f'<h2>{escape(name)}</h2><p class="soft">{escape(text)}</p>{parts}'


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    name = operation["operationId"]
    token = {0: "no token", 1: "needs a token", 2: "token optional"}[len(operation["security"])]
    said = f"<p>{escape(operation['description'])}</p>" if "description" in operation else ""
    return f"""<section class="operation" id="{name}" aria-labelledby="{name}-method {name}-title">
<div class="head"><span class="method {method}" id="{name}-method">{method.upper()}</span>
<h3 id="{name}-title"><a href="#{name}">{escape(path)}</a></h3><span class="lock">{token}</span></div>
<p>{escape(operation["summary"])}.</p>{said}
{_parameters(operation["parameters"])}{_body(operation)}
<h4>Try it</h4>{_code(_curl(path, method, operation))}
{_answers(operation)}
</section>
"""


def _parameters(parameters: Iterable[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<dt><code>{escape(one['name'])}</code></dt>"
        f"<dd>{escape(_sentence(one.get('description', '')))} {_kind(one['schema'])}</dd>"
        for one in parameters
    )
    return f"<h4>Parameters</h4><dl>{rows}</dl>" if rows else ""


def _sentence(text: str) -> str:
    return f"{text}." if text else ""


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a parameter may be, in a few words."""
    words = []
    if "enum" in schema:
        words.append(" ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"]))
    elif "examples" in schema:
        words.append("such as " + ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["examples"]))
    if "minimum" in schema and "maximum" in schema:
        words.append(f"{schema['minimum']} to {schema['maximum']}")
    if "default" in schema:
        words.append(f"default <code>{escape(str(schema['default']))}</code>")
    return f'<span class="soft">{"; ".join(words)}</span>' if words else ""


def _code(text: str) -> str:
    """Return *text* in a box that the keyboard can scroll."""
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def _body(operation: Mapping[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    return "".join(
        f"<h4>Body, {escape(media)}</h4>{_code(_body_text(media, said['example']))}" for media, said in content.items()
    )


def _body_text(media: str, example: Mapping[str, Any]) -> str:
    return urlencode(example) if "form" in media else json.dumps(example, indent=2, ensure_ascii=False)


def _curl(path: str, method: str, operation: Mapping[str, Any]) -> str:
    """Return a command that works once a token, where one is needed, is in TOKEN."""
    for one in operation["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["schema"]["examples"][0]))
    body = operation.get("requestBody", {}).get("content", {})
    command = "curl" if method == "get" or body else f"curl -X {method.upper()}"
    options = ['-H "Authorization: Bearer $TOKEN"'] if len(operation["security"]) == 1 else []
    for media, said in body.items():
        if "form" in media:
            options += [f"--data-urlencode '{name}={value}'" for name, value in said["example"].items()]
        else:
            options.append(f"--json '{json.dumps(said['example'])}'")
    return " \\\n  ".join([f"{command} {_HOST}{path}", *options])


def _answers(operation: Mapping[str, Any]) -> str:
    statuses = "".join(f"<li><code>{status}</code></li>" for status in operation["responses"])
    examples = "".join(
        f"<details><summary>{status}, {escape(media)}</summary>{_example(said)}</details>"
        for status, response in operation["responses"].items()
        for media, said in response.get("content", {}).items()
    )
    return f'<h4>Answers</h4><ul class="statuses">{statuses}</ul>{examples}'


def _example(said: Mapping[str, Any]) -> str:
    if "example" in said:
        lines = json.dumps(said["example"], indent=2, ensure_ascii=False).splitlines()
        rest = ["…"] if len(lines) > _LONGEST_EXAMPLE else []
        return _code("\n".join(lines[:_LONGEST_EXAMPLE] + rest))
    return f'<p class="soft">{escape(said["schema"].get("description", ""))}.</p>'


def _errors(document: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{status}</code></td><td>{escape(said['description'])}</td></tr>"
        for status, said in document["components"]["responses"].items()
    )
    return (
        '<h2 id="errors">Errors</h2><p class="soft">Every error is problem+json. '
        "The words are the last parts of its <code>type</code>.</p>"
        f"<table><thead><tr><th>Status</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _text(markdown: str) -> str:
    """Return the few marks that the description uses as HTML."""
    text = escape(markdown, quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"\*(.+?)\*", r"<em>\1</em>", text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    first, *others = text.strip().split("\n\n")
    return f'<p class="lead">{first}</p>' + "".join(f"<p>{one}</p>" for one in others)
