"""Query strings: one parser, one length limit, and a 400 that names every invalid parameter.

The parameters of an endpoint are the fields of a frozen dataclass. The annotation is the type of a parameter: str, int,
Literal, or `Annotated[..., QueryType(...)]`; field metadata limits it (ge, le, max_length).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from shared.http.problem import Problem, bad_parameters

MAX_QUERY_BYTES = 8000
_MAX_PARAMETERS = 50
_MAX_DIGITS = 12

Q = TypeVar("Q")


@dataclass(frozen=True, slots=True, eq=False)
class QueryType:
    """Parser of one type of parameter (ValueError names the change to make), and its JSON Schema for OpenAPI."""

    parse: Callable[[str], object]
    schema: dict[str, Any]


def read_query(model: type[Q], query: bytes) -> Q:
    """Return the query string as *model*; Problem 414 when it is too long, 400 with all its faults."""
    if len(query) > MAX_QUERY_BYTES:
        raise Problem(414, "query-too-long", "Query too long", f"A query has at most {MAX_QUERY_BYTES} bytes.")
    try:
        pairs = parse_qsl(query.decode("ascii"), True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        detail = f"The query should be UTF-8 in percent encoding, with at most {_MAX_PARAMETERS} parameters."
        raise bad_parameters([("", detail)]) from None
    parsers, values = _parsers(model) if pairs else {}, {}
    errors: dict[str, str] = {}
    for name, text in pairs:
        if name not in parsers:
            errors[name[:100]] = f"is unknown. Parameters: {', '.join(sorted(parsers)) or 'none'}"
        elif name in values or name in errors:
            errors[name] = "is given more than once"
        else:
            try:
                values[name] = parsers[name](text)
            except ValueError as error:
                errors[name] = str(error)
    if not errors:
        try:
            return model(**values)
        except ValueError as error:  # raised by the model's __post_init__: its first word is the parameter
            name, _, what = str(error).partition(" ")
            errors[name] = what
    raise bad_parameters([*errors.items()])


@cache
def _parsers(model: type[Any]) -> dict[str, Callable[[str], object]]:
    """Return the parser of each parameter of *model*."""
    hints = get_type_hints(model, include_extras=True)
    return {field.name: _parser(hints[field.name], dict(field.metadata)) for field in fields(model)}


def _parser(hint: Any, limits: dict[str, Any]) -> Callable[[str], object]:
    """Return the parser of the annotation *hint*."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    custom = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, QueryType)), None)
    if custom:
        return custom.parse
    if get_origin(hint) is Literal:
        return lambda text: _parse_choice(text, get_args(hint))
    if hint is int:
        return lambda text: _parse_integer(text, limits["ge"], limits["le"])
    return lambda text: _parse_text(text, limits["max_length"])


def _parse_choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"should be one of {', '.join(choices)}")
    return text


def _parse_integer(text: str, least: int, most: int) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS and least <= int(text) <= most):
        raise ValueError(f"should be a whole number from {least} to {most}")
    return int(text)


def _parse_text(text: str, longest: int) -> str:
    if not 0 < len(text) <= longest:
        raise ValueError(f"should have 1 to {longest} characters")
    return text
