"""Postgres array literals.

psycopg needs a millisecond for each list of 500 Decimals or datetimes; as text all columns need half of one.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache


def array(values: Iterable[object]) -> str:
    """Return a Postgres array literal of *values* that need no quotes (numbers, instants) or have them."""
    return "{" + ",".join(map(str, values)) + "}"


@lru_cache(maxsize=4096)
def instant(moment: datetime) -> str:
    """Return *moment* as an element."""
    return moment.isoformat()


@lru_cache(maxsize=4096)
def quote(text: str) -> str:
    """Return *text*, a name, as an element."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
