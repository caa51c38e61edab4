"""Check for locks that block all readers of a table."""

from psycopg import AsyncConnection


class LockedError(Exception):
    """A lock blocks all readers of a table; the message names it."""


async def check_locks(connection: AsyncConnection) -> None:
    """Raise LockedError when another session blocks all readers of a table, which `SELECT 1` would not notice."""
    cursor = await connection.execute(
        """
        SELECT relation::regclass::text
          FROM pg_locks
         WHERE locktype = 'relation'
           AND mode = 'AccessExclusiveLock'
           AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND relation >= 16384 -- tables of users
           AND pid <> pg_backend_pid()
         LIMIT 1
        """
    )
    if row := await cursor.fetchone():
        raise LockedError(f"{row[0]} is locked")
