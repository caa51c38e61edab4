"""Queries on the table of accounts."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class User:
    """A row of users."""

    user_id: str
    email: str
    username: str | None
    created_at: datetime
    password_hash: str


async def insert_user(
    connection: AsyncConnection, email: str, username: str | None, username_key: str | None, password_hash: str
) -> User | None:
    """Insert an account and return it, None when the address or the user name is taken."""
    cursor = connection.cursor(row_factory=class_row(User))
    await cursor.execute(
        """
        INSERT INTO users (email, username, username_key, password_hash)
             VALUES (%(email)s, %(username)s, %(username_key)s, %(password_hash)s)
        ON CONFLICT DO NOTHING
          RETURNING user_id::text, email, username, created_at, password_hash
        """,
        {"email": email, "username": username, "username_key": username_key, "password_hash": password_hash},
    )
    return await cursor.fetchone()


async def select_user_by_login(connection: AsyncConnection, email: str, username_key: str) -> User | None:
    """Return the account with this address or user name key, None without one."""
    cursor = connection.cursor(row_factory=class_row(User))
    await cursor.execute(
        """
        SELECT user_id::text, email, username, created_at, password_hash
          FROM users
         WHERE email = %(email)s
            OR username_key = %(username_key)s
         ORDER BY email = %(email)s DESC
         LIMIT 1
        """,
        {"email": email, "username_key": username_key},
    )
    return await cursor.fetchone()


async def select_user(connection: AsyncConnection, user_id: str) -> User | None:
    """Return the account, None when it was deleted."""
    cursor = connection.cursor(row_factory=class_row(User))
    await cursor.execute(
        """
        SELECT user_id::text, email, username, created_at, password_hash
          FROM users
         WHERE user_id = %(user_id)s
        """,
        {"user_id": user_id},
    )
    return await cursor.fetchone()


async def update_password_hash(connection: AsyncConnection, user_id: str, before: str, after: str) -> bool:
    """Replace the hash *before* by *after*; False when *before* is no longer the stored one."""
    cursor = await connection.execute(
        """
        UPDATE users
           SET password_hash = %(after)s
         WHERE user_id = %(user_id)s
           AND password_hash = %(before)s
        """,
        {"user_id": user_id, "before": before, "after": after},
    )
    return cursor.rowcount == 1


async def select_password_hash_for_share(connection: AsyncConnection, user_id: str, password_hash: str) -> bool:
    """Return whether this hash is stored; lock it until the transaction ends."""
    cursor = await connection.execute(
        """
        SELECT true
          FROM users
         WHERE user_id = %(user_id)s
           AND password_hash = %(password_hash)s
           FOR SHARE
        """,
        {"user_id": user_id, "password_hash": password_hash},
    )
    return await cursor.fetchone() is not None


async def select_user_for_update(connection: AsyncConnection, user_id: str) -> bool:
    """Return whether the account exists; lock it against other changes of its tokens until the transaction ends."""
    cursor = await connection.execute(
        "SELECT true FROM users WHERE user_id = %(user_id)s FOR NO KEY UPDATE", {"user_id": user_id}
    )
    return await cursor.fetchone() is not None


async def delete_user(connection: AsyncConnection, user_id: str) -> list[str]:
    """Delete the account with its tokens and links, and return their keyed hashes (hex)."""
    async with connection.transaction():
        links = await connection.execute(
            """
            DELETE FROM links AS link
                  USING tokens AS token
                  WHERE token.token_id = link.token_id
                    AND token.user_id = %(user_id)s
              RETURNING encode(link.hash, 'hex')
            """,
            {"user_id": user_id},
        )
        cursor = await connection.execute(
            """
            DELETE FROM tokens
                  WHERE user_id = %(user_id)s
              RETURNING encode(hash, 'hex')
            """,
            {"user_id": user_id},
        )
        digests = [digest for (digest,) in [*await links.fetchall(), *await cursor.fetchall()]]
        await connection.execute("DELETE FROM users WHERE user_id = %(user_id)s", {"user_id": user_id})
    return digests
