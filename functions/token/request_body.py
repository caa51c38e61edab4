"""Request bodies and queries: form fields or JSON, with a bounded size, time and number of fields."""

import asyncio
import io
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from shared.http.field_errors import describe_error
from shared.http.problem import Problem, bad_parameters
from shared.http.request_body import read_body
from shared.http.strict_json import decode_json

_MAX_BYTES = 16 * 1024
_MAX_CONTENT_TYPE = 300
_TIMEOUT_SECONDS = 10
_MAX_FIELDS = 20

S = TypeVar("S", bound=msgspec.Struct)


async def read_form(
    request: Request, required: Collection[str], optional: Collection[str] | None = ()
) -> dict[str, str]:
    """Return the fields of a form, urlencoded or multipart; Problem 400, 408, 413 or 415.

    *required* fields are not empty; with *optional* None all others are permitted.
    """
    content_type = _media_type(request)
    if content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise _unsupported("a form: application/x-www-form-urlencoded")
    body = await _read_body(request)
    try:
        pairs = _parse_multipart(request, body) if content_type.startswith("multipart") else _parse_urlencoded(body)
    except ValueError:
        detail = f"The body should be a form of at most {_MAX_FIELDS} fields in UTF-8."
        raise bad_parameters([("", detail)]) from None
    fields, counts = dict(pairs), Counter(name for name, _ in pairs)
    known = ", ".join([*required, *(optional or ())])
    errors = [(name, "is missing") for name in required if not fields.get(name)]
    errors += [(name[:100], "is given more than once") for name, count in counts.items() if count > 1]
    if optional is not None:
        unknown = counts.keys() - {*required, *optional}
        errors += [(name[:100], f"is not a field here. Fields: {known}") for name in sorted(unknown)]
    if errors:
        raise bad_parameters(errors)
    return fields


async def read_json(request: Request, model: type[S]) -> S:
    """Return the JSON body as *model*, without a body its defaults; Problem 400, 408, 413 or 415."""
    body = await _read_body(request)
    if not body.strip():
        body = b"{}"
    elif _media_type(request) != "application/json":
        raise _unsupported("JSON: application/json")
    try:
        return decode_json(body, model)
    except msgspec.ValidationError as error:
        raise bad_parameters([describe_error(error, model)]) from None
    except (ValueError, RecursionError):
        raise bad_parameters([("", "The body is not valid JSON.")]) from None


def read_query(request: Request, choices: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the parameters of the query, each once and one of its *choices*; Problem 400."""
    try:
        pairs = _parse_urlencoded(request.scope["query_string"])
    except ValueError:
        raise bad_parameters([("", "The query should be UTF-8 in percent encoding.")]) from None
    query = dict(pairs)
    errors = [
        (name[:100], f"should be {' or '.join(choices[name])}, once" if name in choices else "is not a parameter here")
        for name, value in query.items()
        if value not in choices.get(name, ()) or len(pairs) > len(query)
    ]
    if errors:
        raise bad_parameters(errors)
    return query


async def _read_body(request: Request) -> bytes:
    """Return the body; stop reading once it is too long or too slow."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await read_body(request, _MAX_BYTES)
    except TimeoutError:
        detail = f"The body did not arrive within {_TIMEOUT_SECONDS} s."
        raise Problem(408, "too-slow", "Too slow", detail) from None


def _parse_urlencoded(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)


def _parse_multipart(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a multipart form; ValueError for an invalid form, too many fields, and files."""
    from python_multipart import parse_form
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import Field, File

    # It logs errors of whoever sent the body, who is told by the response.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    pairs: list[tuple[str, str]] = []

    def add_field(field: Field) -> None:
        if len(pairs) >= _MAX_FIELDS or field.field_name is None:
            raise ValueError
        pairs.append((field.field_name.decode(), (field.value or b"").decode()))

    def refuse_file(_: File) -> None:
        raise ValueError

    headers = {"Content-Type": request.headers["content-type"].encode("latin-1")}
    try:
        parse_form(headers, io.BytesIO(body), add_field, refuse_file)  # pyright: ignore[reportArgumentType]
    except FormParserError as error:
        raise ValueError from error
    if not pairs:
        raise ValueError
    return pairs


def _media_type(request: Request) -> str:
    """Return the media type without parameters, "" for a header that is too long to be parsed safely."""
    header = request.headers.get("content-type", "")
    return header.partition(";")[0].strip().lower() if len(header) <= _MAX_CONTENT_TYPE else ""


def _unsupported(wanted: str) -> Problem:
    return Problem(415, "unsupported-media-type", "Unsupported media type", f"Send {wanted}.")
