"""Route arguments that all functions' `openapi.py` share: errors, headers, security and query parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import Field, WithJsonSchema, create_model

from shared.http.query import QueryType

Access = Literal["open", "optional", "token"]
"""A bearer token is ignored, raises limits as a link does, or is required."""
SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    "open": [],
    "optional": [{}, {"token": []}, {"link": []}],
    "token": [{"token": []}],
}
EVERY_OPERATION = (400, 401, 405, 414, 429, 500, 503)
"""Error statuses that every operation may return."""
_EVERY_RESPONSE = ("X-Request-ID", "RateLimit", "RateLimit-Policy")


def document_route(
    access: Access,
    *errors: int,
    status: int = 200,
    headers: Sequence[str] = (),
    media_types: Mapping[str, str] | None = None,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Arguments of a FastAPI route: its errors, response headers, further media types and security.

    *media_types* are described texts, *schemas* other media types with their JSON Schema. An operation with an ETag
    also returns 304.
    """
    texts = {media: {"type": "string", "description": text} for media, text in (media_types or {}).items()}
    content = {media: {"schema": schema} for media, schema in {**texts, **(schemas or {})}.items()}
    if access == "optional":
        errors = (*errors, 403)
    responses: dict[int, dict[str, Any]] = {
        status: {"headers": header_references(*_EVERY_RESPONSE, *headers), **({"content": content} if content else {})},
        **{error: {"$ref": f"#/components/responses/{error}"} for error in sorted({*EVERY_OPERATION, *errors})},
    }
    if "ETag" in headers:
        responses[304] = {
            "description": "Not modified: the ETag matches If-None-Match",
            "headers": header_references("ETag", "Cache-Control"),
        }
    return {
        "status_code": status,
        "responses": dict(sorted(responses.items())),
        "openapi_extra": {"security": SECURITY[access]},
    }


def header_references(*names: str) -> dict[str, Any]:
    """References to the document's headers of these names."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _with_schema(hint: Any) -> Any:
    """Return the annotation for pydantic: with the JSON Schema of the query's own type, if *hint* has one."""
    own = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, QueryType)), None)
    return Annotated[Any, WithJsonSchema(own.schema)] if own else hint


def query_model(query: type[Any]) -> Any:
    """Pydantic model of a dataclass of query parameters, for FastAPI; None for one without parameters.

    A parameter is absent or has a value: null is removed from its type.
    """
    hints = get_type_hints(query, include_extras=True)
    parameters: dict[str, Any] = {}
    for one in fields(query):
        options = [option for option in get_args(hints[one.name]) if option is not NoneType]
        is_optional = NoneType in get_args(hints[one.name])
        default: Any = {"default_factory": lambda: None} if one.default is None else {"default": one.default}
        limits: Any = dict(one.metadata)
        hint = options[0] if is_optional else hints[one.name]
        parameters[one.name] = (_with_schema(hint), Field(**limits, **default))
    return create_model(query.__name__, **parameters) if parameters else None
