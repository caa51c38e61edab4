"""Lists of tickers of an account: how their names are compared, and their tickers by name."""

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import AsyncConnection


def list_name_key(name: str) -> str:
    """Return the form of a name in which names are compared: without case and compatibility forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


async def select_list_tickers(
    connection: "AsyncConnection", user_id: str, name: str
) -> tuple[str, tuple[str, ...]] | None:
    """Return the id of the account's list of this name and its tickers in order, None without one."""
    if "\0" in name:  # in no name, and Postgres takes none
        return None
    cursor = await connection.execute(
        """
        SELECT list_id::text,
               ARRAY (SELECT ticker
                        FROM list_tickers AS item
                       WHERE item.list_id = lists.list_id
                       ORDER BY position, ticker)
          FROM lists
         WHERE user_id = %(user_id)s
           AND name_key = %(name_key)s
        """,
        {"user_id": user_id, "name_key": list_name_key(name)},
    )
    row = await cursor.fetchone()
    return (row[0], tuple(row[1])) if row else None
