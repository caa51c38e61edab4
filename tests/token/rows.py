"""Rows of the accounts' tables, read and written by tests."""

from typing import Any

import psycopg


def rows(url: str, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
    """The rows of *statement*."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), arguments)
        return cursor.fetchall() if cursor.description else []
