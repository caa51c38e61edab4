"""What tests of the token function look into: its rows, and what its requests may be."""

from typing import Any

import psycopg


def rows(url: str, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
    """The rows that *statement* gives."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), arguments)
        return cursor.fetchall() if cursor.description else []
