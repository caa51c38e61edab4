"""Queries on the table of links, which holds keyed hashes instead of secrets."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as its owner may see it; it ends with its token at the latest."""

    link_id: str
    token_id: str
    token_name: str
    name: str
    path: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to insert: *digest* is its keyed hash (64 hex digits)."""

    token_id: str
    digest: str
    name: str
    path: str
    expires_at: datetime


async def select_token_end(connection: AsyncConnection, user_id: str, token_id: str) -> datetime | None:
    """Return the end of a valid token of the account with the scope read, None without one; it is locked."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT expires_at
          FROM tokens
         WHERE token_id = %(token_id)s
           AND user_id = %(user_id)s
           AND 'read' = ANY (scopes)
           AND revoked_at IS NULL
           AND invalidated_at IS NULL
           AND expires_at > now()
           FOR SHARE
        """,
        {"token_id": token_id, "user_id": user_id},
    )
    return await cursor.fetchone()


async def insert_link(connection: AsyncConnection, link: NewLink) -> str:
    """Insert a link and return its id."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        INSERT INTO links (token_id, hash, name, path, expires_at)
             VALUES (%(token_id)s, decode(%(digest)s, 'hex'), %(name)s, %(path)s, %(expires_at)s)
          RETURNING link_id::text
        """,
        asdict(link),
    )
    return f"{await cursor.fetchone()}"


async def select_links(connection: AsyncConnection, user_id: str) -> list[LinkRow]:
    """Return the valid links of an account, oldest first."""
    cursor = connection.cursor(row_factory=class_row(LinkRow))
    await cursor.execute(
        """
        SELECT link.link_id::text, link.token_id::text, token.name AS token_name, link.name, link.path,
               link.created_at, least(link.expires_at, token.expires_at) AS expires_at
          FROM links AS link
          JOIN tokens AS token USING (token_id)
         WHERE token.user_id = %(user_id)s
           AND link.expires_at > now()
           AND token.revoked_at IS NULL
           AND token.invalidated_at IS NULL
           AND token.expires_at > now()
         ORDER BY link.created_at, link.link_id
        """,
        {"user_id": user_id},
    )
    return await cursor.fetchall()


async def delete_ended_links(connection: AsyncConnection, user_id: str) -> None:
    """Delete the links of an account that have expired."""
    await connection.execute(
        """
        DELETE FROM links AS link
              USING tokens AS token
              WHERE token.token_id = link.token_id
                AND token.user_id = %(user_id)s
                AND link.expires_at <= now()
        """,
        {"user_id": user_id},
    )


async def delete_link(connection: AsyncConnection, user_id: str, link_id: str) -> str | None:
    """Delete a link and return its keyed hash (hex), None when the account has no such link."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        DELETE FROM links AS link
              USING tokens AS token
              WHERE token.token_id = link.token_id
                AND link.link_id = %(link_id)s
                AND token.user_id = %(user_id)s
          RETURNING encode(link.hash, 'hex')
        """,
        {"link_id": link_id, "user_id": user_id},
    )
    return await cursor.fetchone()


async def select_link_digests(connection: AsyncConnection, token_digests: Sequence[str]) -> list[str]:
    """Return the keyed hashes (hex) of the links of tokens with these keyed hashes (hex)."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT encode(link.hash, 'hex')
          FROM links AS link
          JOIN tokens AS token USING (token_id)
         WHERE token.hash = ANY (SELECT decode(digest, 'hex') FROM unnest(%(digests)s::text[]) AS digest)
        """,
        {"digests": list(token_digests)},
    )
    return await cursor.fetchall()
