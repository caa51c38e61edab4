"""Text of a tool's result: one JSON object, with a table as columns and rows, of at most 40 kB when sent.

Figures keep the digits of the response that they come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from functions.mcp.client import Members

MAX_BYTES = 39_000
"""Maximum size of the text in JSON; 40,000 with the envelope of the protocol."""
_NULL = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the same columns; *name* is the member of the result that holds them."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[msgspec.Raw]]

    @classmethod
    def of(cls, name: str, columns: str, items: Sequence[Members]) -> "Table":
        """Return the members *columns* (separated by spaces) of each item; null for those that an item lacks."""
        names = columns.split()
        return cls(name, names, [[item.get(column, _NULL) for column in names] for item in items])


def count_fitting(members: Mapping[str, object], rows: Sequence[object]) -> int:
    """Return the number of *rows*, from the first, that fit into a result with *members*."""
    left = MAX_BYTES - _sent_size(members)
    for number, row in enumerate(rows):
        left -= _sent_size(row) + 1
        if left < 0:
            return number
    return len(rows)


def write_table(members: dict[str, object], table: Table) -> str:
    """Return the text of a result with *members* and *table*, which must fit."""
    return write(members | {"columns": table.columns, table.name: table.rows})


def write(members: Mapping[str, object]) -> str:
    """Return *members* as JSON without spaces, as these cost tokens."""
    return msgspec.json.encode(members).decode()


def _sent_size(value: object) -> int:
    """Return the size of *value* as JSON within a JSON string."""
    return len(msgspec.json.encode(msgspec.json.encode(value).decode()))
