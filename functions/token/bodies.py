"""What a request carries: form fields or JSON, small, soon, and read without trust."""

import asyncio
from collections.abc import Collection
from email import policy
from email.parser import BytesParser
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from shared.http.problem import Problem, bad_parameters

_MAX_BYTES = 16 * 1024
_PATIENCE_SECONDS = 10
_MAX_FIELDS = 20

S = TypeVar("S", bound=msgspec.Struct)


async def read_form(request: Request, needed: Collection[str]) -> dict[str, str]:
    """Return the fields of a form, urlencoded or multipart; those of *needed* have a value.

    Problem 400, 408, 413 or 415.
    """
    kind = _media_type(request)
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise _unsupported("a form: application/x-www-form-urlencoded")
    body = await _body(request)
    try:
        pairs = _multipart(request, body) if kind.startswith("multipart") else _urlencoded(body)
        fields = dict(pairs)
    except ValueError:
        raise bad_parameters([("", "The form is not made of a few fields in UTF-8.")]) from None
    if repeated := sorted({name for name, _ in pairs if sum(other == name for other, _ in pairs) > 1}):
        raise bad_parameters([(name[:100], "is given more than once; give it once") for name in repeated])
    if missing := [name for name in needed if not fields.get(name)]:
        raise bad_parameters([(name, "is missing") for name in missing])
    return fields


async def read_json(request: Request, shape: type[S]) -> S:
    """Return the JSON body as *shape*, its defaults for no body; Problem 400, 408, 413 or 415."""
    body = await _body(request)
    if not body.strip():
        body = b"{}"
    elif _media_type(request) != "application/json":
        raise _unsupported("JSON: application/json")
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise bad_parameters([(where.rstrip("`"), _sentence(what))]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_parameters([("", "The body is no JSON.")]) from None


async def _body(request: Request) -> bytes:
    """Return the whole body, stopping to read as soon as it is too long or too slow."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > _MAX_BYTES:
                    raise Problem(413, "too-large", "Too large", f"A request here may have {_MAX_BYTES} bytes.")
    except TimeoutError:
        raise Problem(408, "too-slow", "Too slow", f"No whole request within {_PATIENCE_SECONDS} s.") from None
    except ClientDisconnect:
        raise Problem(400, "incomplete", "Incomplete", "The request ended before its body did.") from None
    return b"".join(parts)


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)


def _multipart(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Read what pages send as FormData, with the standard library: MIME is what it is in mails."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode("latin-1")
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    pairs: list[tuple[str, str]] = []
    for part in message.iter_parts():
        name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(value, bytes) or len(pairs) >= _MAX_FIELDS:
            raise ValueError("a part is no field")
        pairs.append((name, value.decode()))
    return pairs


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _unsupported(wanted: str) -> Problem:
    return Problem(415, "unsupported-media-type", "Unsupported media type", f"Send {wanted}.")


def _sentence(text: str) -> str:
    return text.replace("Object contains", "The object contains").replace("Expected", "should be").replace("`", "")
