"""Ticker lists of an account: comparison of their names, and look-up by name."""

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from shared.auth.authenticator import READ, Caller
from shared.http.problem import Problem

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from shared.connections.postgres import PostgresClient


class AccountList(NamedTuple):
    """A list with its tickers, in the order that the account chose."""

    list_id: str
    name: str
    tickers: tuple[str, ...]


def list_name_key(name: str) -> str:
    """Return the normal form of a name for comparison: without case and compatibility forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


async def find_list(postgres: "PostgresClient", caller: Caller, name: str) -> AccountList:
    """Return the list of the caller's account; Problem 401 or 403, 404 for an unknown or empty one."""
    caller.require(READ, "Reading a list")
    assert caller.principal is not None  # noqa: S101
    user_id = caller.principal.user_id
    found = await postgres.run(lambda connection: select_list(connection, user_id, name))
    if found is None:
        detail = f"The account has no list named {name}. /lists shows its lists."
        raise Problem(404, "unknown-list", "Unknown list", detail)
    if not found.tickers:
        detail = f"The list {name} has no tickers yet. Add some by POST /lists/{found.list_id}/tickers."
        raise Problem(404, "empty-list", "Empty list", detail)
    return found


async def select_list(connection: "AsyncConnection", user_id: str, name: str) -> AccountList | None:
    """Return the account's list of this name, None without one."""
    if "\0" in name:  # no name contains it, and Postgres accepts none
        return None
    cursor = await connection.execute(
        """
        SELECT list_id::text,
               name,
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
    return AccountList(row[0], row[1], tuple(row[2])) if row else None
