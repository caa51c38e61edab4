"""The OpenAPI 3.1 document of the whole public host, made of what every function promises."""

import importlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from functions.contract.operation import ALWAYS, JSON, PROBLEMS, Operation
from functions.contract.words import Problem

FUNCTIONS = Path(__file__).parents[1]
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = "application/problem+json"

_ABOUT = """\
The newest bars, history, movers and insights of the 50 biggest US stocks, served by a StocksALot that somebody hosts.

**Access.** Everything that is open to all needs no key, within a limit for each client address. A token
(`Authorization: Bearer sal_…`, see *Accounts*) lifts the limit and opens the whole history.

**Time.** Instants are RFC 3339 in UTC. A bar is named by its start. A window is half-open: `end` is outside. A date in
a query is a day in New York.

**Numbers** are JSON numbers with exactly the digits that are stored: read prices as decimals if you add them up.

**Errors** are problem+json (RFC 9457). Decide by `type`.

**Assistants.** `mcp` beside this document speaks the Model Context Protocol (streamable HTTP), with the same data.

**Caching.** Answers carry a strong `ETag`; `max-age` ends when the next bar is due. HEAD works wherever GET does.
"""
_GROUPS = {
    "Market data": "Open to all; answers say how old they are and where they come from.",
    "Insights": "What is worth knowing about the last hour, with the facts it rests on.",
    "Accounts": "Register, log in, make tokens, revoke them.",
    "About": "What there is.",
}
_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-ID": {"description": "That of the request, or a new one: name it when you ask for help"},
    "RateLimit": {"description": "What is left of the limit, and the seconds until it is whole again"},
    "RateLimit-Policy": {"description": "The limit: requests in a window of seconds"},
    "Retry-After": {"description": "Seconds to wait"},
    "WWW-Authenticate": {"description": "By what to show who you are"},
    "Allow": {"description": "The methods there are"},
    "ETag": {"description": "Give it back in If-None-Match: an unchanged answer is 304 without a body"},
    "Cache-Control": {"description": "max-age ends when the next bar is due"},
    "Link": {"description": 'rel="next" leads to the next page (RFC 8288), relative to this address'},
    "Location": {"description": "Where what was made is"},
    "X-As-Of": {"description": "The end of the newest bar in the answer"},
    "X-Source": {"description": "Where the bars come from"},
    "Content-Disposition": {"description": "A name to save a table under"},
}
_OF_PROBLEMS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}


def operations() -> list[Operation]:
    """Return what all functions promise, each read from its contract.py."""
    names = sorted(file.parent.name for file in FUNCTIONS.glob("*/contract.py"))
    return [one for name in names for one in importlib.import_module(f"functions.{name}.contract").OPERATIONS]


def make_document() -> dict[str, Any]:
    """Return the OpenAPI document as JSON would have it."""
    promised = sorted(operations(), key=lambda one: list(_GROUPS).index(one.group))
    paths: dict[str, dict[str, Any]] = {}
    for one in promised:
        paths.setdefault(one.path, {})[one.method] = _operation(one)
    document = {
        "openapi": "3.1.1",
        "info": {
            "title": "StocksALot",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": ".", "description": "Where this document is"}],
        "tags": [
            {"name": name, "description": text}
            for name, text in _GROUPS.items()
            if any(one.group == name for one in promised)
        ],
        "paths": paths,
        "components": {
            "schemas": _schemas(promised),
            "responses": {str(status): _problem(status) for status in PROBLEMS},
            "headers": {name: {"schema": {"type": "string"}, **said} for name, said in _HEADERS.items()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "sal_ and 38 letters and digits",
                    "description": "From POST /token or POST /tokens",
                }
            },
        },
    }
    return json.loads(json.dumps(document))


def _operation(one: Operation) -> dict[str, Any]:
    security = {"open": [], "optional": [{}, {"token": []}], "token": [{"token": []}]}
    made: dict[str, Any] = {
        "tags": [one.group],
        "summary": one.summary,
        "operationId": f"{one.method}{one.path.replace('{', '').replace('}', '').replace('/', '_').rstrip('_')}",
        "security": security[one.access],
        "parameters": [*_path_parameters(one), *_query_parameters(one)],
        "responses": {
            str(one.status): _answer(one),
            **({"304": {"description": "Unchanged: see If-None-Match", "headers": _named("ETag", "Cache-Control")}}
               if "ETag" in one.headers else {}),
            **{str(status): {"$ref": f"#/components/responses/{status}"}
               for status in sorted({*ALWAYS, *one.problems})},
        },
    }  # fmt: skip
    if one.description:
        made["description"] = one.description
    if one.body:
        content = {media: {"schema": _refer(model), "example": example_of(model)} for media, model in one.body.items()}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _answer(one: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if one.answer:
        content[JSON] = {"schema": _refer(one.answer), "example": example_of(one.answer)}
    for media, said in one.others.items():
        content[media] = {"schema": {"type": "string", "description": said}}
    made = {
        "description": one.summary,
        "headers": _named("X-Request-ID", "RateLimit", "RateLimit-Policy", *one.headers),
    }
    return made | ({"content": content} if content else {})


def _problem(status: int) -> dict[str, Any]:
    title, kinds = PROBLEMS[status]
    example = example_of(Problem) | {"status": status, "title": title}
    if status != 400:
        kind = kinds.split(":")[0].split(",")[0]
        example = {name: value for name, value in example.items() if name != "errors"}
        example |= {"type": f"https://stocksalot.tech/problems/{kind if ' ' not in kind else 'taken'}", "detail": kinds}
    return {
        "description": f"{title}. {kinds}",
        "headers": _named("X-Request-ID", *([_OF_PROBLEMS[status]] if status in _OF_PROBLEMS else [])),
        "content": {_PROBLEM: {"schema": _refer(Problem), "example": example}},
    }


def _named(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in dict.fromkeys(names)}


def _path_parameters(one: Operation) -> Iterable[dict[str, Any]]:
    for name, example in one.path_examples.items():
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "examples": [example]}}


def _query_parameters(one: Operation) -> Iterable[dict[str, Any]]:
    if one.query is None:
        return
    for name, schema in TypeAdapter(one.query).json_schema()["properties"].items() if _has_fields(one.query) else ():
        yield {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description", ""),
            "schema": _plain(schema),
        }


def _has_fields(query: type[Any]) -> bool:
    return bool(getattr(query, "__dataclass_fields__", None) or getattr(query, "model_fields", None))


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* without null, which no parameter can say, and without what only repeats its name."""
    options = [option for option in schema.pop("anyOf", ()) if option != {"type": "null"}]
    merged = schema | (options[0] if options else {})
    merged.pop("title", None)
    if merged.get("default", ...) is None:
        del merged["default"]
    return merged


def _refer(model: type[Any]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _schemas(promised: Iterable[Operation]) -> dict[str, Any]:
    models: dict[str, type[BaseModel]] = {"Problem": Problem}
    for one in promised:
        models |= {model.__name__: model for model in (one.answer, *one.body.values()) if model}
    _, schemas = models_json_schema([(model, "validation") for model in models.values()], ref_template=_REFERENCE)
    return {name: _untitled(schema) for name, schema in sorted(schemas["$defs"].items())}


def _untitled(schema: Any) -> Any:
    """Return *schema* without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_untitled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _untitled(part) for name, part in schema.items() if not (name == "title" and isinstance(part, str))}


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return an object of *model* made of the examples that its members carry."""
    schema = model.model_json_schema()
    return _example(schema, schema.get("$defs", {}))


def _is_shown(member: Mapping[str, Any]) -> bool:
    """Tell whether an example has *member*: not what may be left out and nobody thought of an example for."""
    options = (member, *member.get("anyOf", ()))
    return member.get("default", ...) is not None or any("examples" in option for option in options)


def _example(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "$ref" in schema and "examples" not in schema:
        return _example(known[schema["$ref"].split("/")[-1]], known)
    for word, take in (("examples", 0), ("enum", 0)):
        if word in schema:
            return schema[word][take]
    if "const" in schema:
        return schema["const"]
    if "default" in schema and "anyOf" not in schema and schema["default"] != []:
        return schema["default"]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], known)
    if schema.get("type") == "array":
        return [_example(schema["items"], known)]
    if schema.get("type") == "object":
        return {name: _example(part, known) for name, part in schema.get("properties", {}).items() if _is_shown(part)}
    if schema.get("format") == "date-time":
        return "2026-11-20T14:30:00Z"
    return {"string": "…", "boolean": True, "integer": 1, "number": 1.5}[schema["type"]]
