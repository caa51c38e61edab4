"""JSON bodies of requests, with limits of size and time."""

import asyncio
from typing import TypeVar

import msgspec
from starlette.requests import Request

from shared.http.field_errors import describe_error
from shared.http.problem import Problem, bad_parameters
from shared.http.request_body import read_body
from shared.http.strict_json import decode_json

_MAX_BYTES = 16 * 1024
_MAX_CONTENT_TYPE = 300
_TIMEOUT_SECONDS = 10

S = TypeVar("S", bound=msgspec.Struct)


async def read_json(request: Request, model: type[S]) -> S:
    """Return the JSON body as *model*, without a body its defaults; Problem 400, 408, 413 or 415."""
    return decode_body(request, await read_timed_body(request), model)


def decode_body(request: Request, body: bytes, model: type[S]) -> S:
    """Return the *body* of *request* as *model*, without a body its defaults; Problem 400 or 415."""
    if not body.strip():
        body = b"{}"
    elif media_type(request) != "application/json":
        raise unsupported("JSON: application/json")
    try:
        return decode_json(body, model)
    except msgspec.ValidationError as error:
        raise bad_parameters([describe_error(error, model)]) from None
    except (ValueError, RecursionError):
        raise bad_parameters([("", "The body is not valid JSON.")]) from None


async def read_timed_body(request: Request, max_bytes: int = _MAX_BYTES) -> bytes:
    """Return the body; Problem 400, 408 or 413 as soon as it ends early, is too slow or longer than *max_bytes*."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await read_body(request, max_bytes)
    except TimeoutError:
        detail = f"The body did not arrive within {_TIMEOUT_SECONDS} s."
        raise Problem(408, "too-slow", "Too slow", detail) from None


def media_type(request: Request) -> str:
    """Return the media type without parameters, "" for a header that is too long to be parsed safely."""
    header = request.headers.get("content-type", "")
    return header.partition(";")[0].strip().lower() if len(header) <= _MAX_CONTENT_TYPE else ""


def unsupported(wanted: str) -> Problem:
    """Return the 415 that names the media type to send."""
    return Problem(415, "unsupported-media-type", "Unsupported media type", f"Send {wanted}.")
