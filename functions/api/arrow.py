"""Arrow files of bars: optional (dependency group `arrow`), loaded when first requested."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from shared.http.problem import Problem

ARROW = "application/vnd.apache.arrow.file"
_SCALE = 8
"""Digits after the point that a price column has at least, so that pages fit together."""

_TEXTS = {"ticker", "interval", "source"}
_INSTANTS = {"datetime", "end"}
_PRICES = {"open", "high", "low", "close"}


def arrow_body(text: str, columns: Sequence[str]) -> bytes:
    """Return *text* (JSON objects, one a line, comma between) as an Arrow IPC file, prices as exact decimals.

    Problem 406 where pyarrow is not installed.
    """
    try:
        import pyarrow as arrow  # a fifth of a second
    except ImportError:
        raise Problem(
            406,
            "format-unavailable",
            "Format unavailable",
            "This installation has no Arrow (its dependency group arrow was left out): ask for json, csv or ndjson.",
        ) from None
    rows = json.loads(f"[{text}]", parse_float=Decimal)
    scale = max((_digits(row[name]) for row in rows for name in _PRICES), default=0)
    price = arrow.decimal128(38, max(scale, _SCALE))
    types = {
        **dict.fromkeys(_TEXTS, arrow.string()),
        **dict.fromkeys(_INSTANTS, arrow.timestamp("s", "UTC")),
        **dict.fromkeys(_PRICES, price),
        "date": arrow.date32(),
        "complete": arrow.bool_(),
    }
    schema = arrow.schema([(name, types.get(name, arrow.int64())) for name in columns])
    arrays = [arrow.array([_value(name, row[name]) for row in rows], schema.field(name).type) for name in schema.names]
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_file(sink, schema) as file:
        file.write_table(arrow.table(arrays, schema=schema))
    return sink.getvalue().to_pybytes()


def _digits(price: Decimal | int) -> int:
    """Return how many digits *price* has after the point."""
    exponent = Decimal(price).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _value(name: str, value: Any) -> object:
    if value is None:
        return None
    if name in _INSTANTS:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if name == "date" else value
