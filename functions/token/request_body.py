"""Request bodies and queries: form fields or JSON, with a bounded size, time and number of fields."""

import io
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from shared.http.json_body import media_type, read_json, read_timed_body, unsupported
from shared.http.problem import bad_parameters

__all__ = ["read_form", "read_json", "read_query"]

_MAX_FIELDS = 20


async def read_form(
    request: Request, required: Collection[str], optional: Collection[str] | None = ()
) -> dict[str, str]:
    """Return the fields of a form, urlencoded or multipart; Problem 400, 408, 413 or 415.

    *required* fields are not empty; with *optional* None all others are permitted.
    """
    content_type = media_type(request)
    if content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise unsupported("a form: application/x-www-form-urlencoded")
    body = await read_timed_body(request)
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
        errors += [(name[:100], f"is unknown. Fields: {known}") for name in sorted(unknown)]
    if errors:
        raise bad_parameters(errors)
    return fields


def read_query(request: Request, choices: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the parameters of the query, each once and one of its *choices*; Problem 400."""
    try:
        pairs = _parse_urlencoded(request.scope["query_string"])
    except ValueError:
        raise bad_parameters([("", "The query should be UTF-8 in percent encoding.")]) from None
    query = dict(pairs)
    errors = [
        (name[:100], f"should be {' or '.join(choices[name])}, once" if name in choices else "is an unknown parameter")
        for name, value in query.items()
        if value not in choices.get(name, ()) or len(pairs) > len(query)
    ]
    if errors:
        raise bad_parameters(errors)
    return query


def _parse_urlencoded(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)


def _parse_multipart(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a multipart form; ValueError for an invalid form, too many fields, and files."""
    from python_multipart import parse_form
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import Field, File

    # It logs errors of the client, which the response reports already.
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
