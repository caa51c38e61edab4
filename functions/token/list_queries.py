"""Queries on the lists of an account and their tickers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class TickerList:
    """A list with its tickers, in order."""

    list_id: str
    name: str
    tickers: list[str]
    created_at: datetime
    changed_at: datetime


async def select_lists(connection: AsyncConnection, user_id: str, list_id: str | None = None) -> list[TickerList]:
    """Return the lists of an account by name, or the one with this id."""
    cursor = connection.cursor(row_factory=class_row(TickerList))
    await cursor.execute(
        """
        SELECT list_id::text,
               name,
               ARRAY (SELECT ticker
                        FROM list_tickers AS item
                       WHERE item.list_id = lists.list_id
                       ORDER BY position, ticker) AS tickers,
               created_at,
               changed_at
          FROM lists
         WHERE user_id = %(user_id)s
           AND (%(list_id)s::uuid IS NULL OR list_id = %(list_id)s)
         ORDER BY name_key
        """,
        {"user_id": user_id, "list_id": list_id},
    )
    return await cursor.fetchall()


async def insert_list(connection: AsyncConnection, user_id: str, name: str, name_key: str) -> str | None:
    """Insert an empty list and return its id, None when the account has one of this name."""
    cursor = await connection.execute(
        """
        INSERT INTO lists (user_id, name, name_key)
             VALUES (%(user_id)s, %(name)s, %(name_key)s)
        ON CONFLICT DO NOTHING
          RETURNING list_id::text
        """,
        {"user_id": user_id, "name": name, "name_key": name_key},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def touch_list(connection: AsyncConnection, user_id: str, list_id: str) -> bool:
    """Update the list's time of change, which locks it until the transaction ends; False without one."""
    cursor = await connection.execute(
        "UPDATE lists SET changed_at = now() WHERE user_id = %(user_id)s AND list_id = %(list_id)s",
        {"user_id": user_id, "list_id": list_id},
    )
    return cursor.rowcount == 1


async def rename_list(connection: AsyncConnection, list_id: str, name: str, name_key: str) -> None:
    """Give the list another name; UniqueViolation when the account has another list of this name."""
    await connection.execute(
        "UPDATE lists SET name = %(name)s, name_key = %(name_key)s WHERE list_id = %(list_id)s",
        {"list_id": list_id, "name": name, "name_key": name_key},
    )


async def delete_list(connection: AsyncConnection, user_id: str, list_id: str) -> bool:
    """Delete the list with its tickers; False when the account has no such list."""
    cursor = await connection.execute(
        "DELETE FROM lists WHERE user_id = %(user_id)s AND list_id = %(list_id)s",
        {"user_id": user_id, "list_id": list_id},
    )
    return cursor.rowcount == 1


async def add_tickers(connection: AsyncConnection, list_id: str, tickers: Sequence[str]) -> int:
    """Append *tickers* to a list and return its length.

    The primary key makes it idempotent: a ticker that is already there keeps its position.
    """
    await connection.execute(
        """
        INSERT INTO list_tickers (list_id, ticker, position)
             SELECT %(list_id)s, added.ticker, added.position + last.position
               FROM unnest(%(tickers)s::text[]) WITH ORDINALITY AS added (ticker, position)
              CROSS JOIN (SELECT coalesce(max(position), 0) AS position
                            FROM list_tickers
                           WHERE list_id = %(list_id)s) AS last
        ON CONFLICT DO NOTHING
        """,
        {"list_id": list_id, "tickers": list(tickers)},
    )
    cursor = await connection.execute(
        "SELECT count(*) FROM list_tickers WHERE list_id = %(list_id)s", {"list_id": list_id}
    )
    row = await cursor.fetchone()
    return row[0] if row else 0


async def order_tickers(connection: AsyncConnection, list_id: str, tickers: Sequence[str]) -> None:
    """Reorder the tickers of a list."""
    await connection.execute(
        """
        UPDATE list_tickers AS item
           SET position = wanted.position
          FROM unnest(%(tickers)s::text[]) WITH ORDINALITY AS wanted (ticker, position)
         WHERE item.list_id = %(list_id)s
           AND item.ticker = wanted.ticker
        """,
        {"list_id": list_id, "tickers": list(tickers)},
    )


async def remove_ticker(connection: AsyncConnection, list_id: str, ticker: str) -> None:
    """Remove a ticker from a list; idempotent."""
    await connection.execute(
        "DELETE FROM list_tickers WHERE list_id = %(list_id)s AND ticker = %(ticker)s",
        {"list_id": list_id, "ticker": ticker},
    )
