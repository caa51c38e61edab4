"""Strict JSON of requests and events: duplicate members are refused, as two readers would see two values."""

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def decode_json(data: bytes, kind: type[T]) -> T:
    """Return *data* as *kind*; ValueError or RecursionError for other text.

    msgspec refuses NaN, a byte order mark, halves of surrogate pairs and text after the value, but uses the last of
    duplicate members.
    """
    value = msgspec.json.decode(data, type=kind)
    # Data that encode to themselves have no duplicates, such as our own events; this check takes a third of the time.
    if msgspec.json.encode(value) != data:
        json.loads(data, object_pairs_hook=_refuse_repeated, parse_int=str, parse_float=str)
    return value


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise msgspec.ValidationError(f"is given more than once - at `$.{repeated[:100]}`")
