"""The table of tokens: what is kept of each, never the token itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Kept:
    """A token as its owner may see it."""

    token_id: str
    name: str
    is_login: bool
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A token to be made: *digest* is its keyed hash (64 hex digits)."""

    user_id: str
    digest: str
    name: str
    scopes: Sequence[str]
    expires_at: datetime
    is_login: bool = False


async def insert_token(connection: AsyncConnection, wish: Wish) -> Kept:
    """Keep a new token and return it."""
    cursor = connection.cursor(row_factory=class_row(Kept))
    await cursor.execute(
        """
        INSERT INTO tokens (user_id, hash, name, is_login, scopes, expires_at)
             VALUES (%(user_id)s, decode(%(digest)s, 'hex'), %(name)s, %(is_login)s, %(scopes)s, %(expires_at)s)
          RETURNING token_id::text, name, is_login, scopes, created_at, expires_at, used_at, replaced_by::text
        """,
        {
            "user_id": wish.user_id,
            "digest": wish.digest,
            "name": wish.name,
            "is_login": wish.is_login,
            "scopes": list(wish.scopes),
            "expires_at": wish.expires_at,
        },
    )
    row = await cursor.fetchone()
    assert row is not None, "an INSERT without a conflict returns its row"  # noqa: S101
    return row


async def select_tokens(connection: AsyncConnection, user_id: str) -> list[Kept]:
    """Return the valid tokens of an account, oldest first."""
    cursor = connection.cursor(row_factory=class_row(Kept))
    await cursor.execute(
        """
        SELECT token_id::text, name, is_login, scopes, created_at, expires_at, used_at, replaced_by::text
          FROM tokens
         WHERE user_id = %(user_id)s
           AND revoked_at IS NULL
           AND expires_at > now()
         ORDER BY created_at, token_id
        """,
        {"user_id": user_id},
    )
    return await cursor.fetchall()


async def update_used(connection: AsyncConnection, used: Mapping[str, int]) -> None:
    """Note when tokens were last used, Unix seconds by id; never an earlier time than is known."""
    await connection.execute(
        """
        UPDATE tokens
           SET used_at = greatest(tokens.used_at, to_timestamp(seen.at))
          FROM unnest(%(ids)s::uuid[], %(times)s::bigint[]) AS seen (token_id, at)
         WHERE tokens.token_id = seen.token_id
        """,
        {"ids": list(used), "times": list(used.values())},
    )


async def revoke_token(connection: AsyncConnection, user_id: str, token_id: str) -> str | None:
    """Make a token invalid for good and return its keyed hash (hex); None when the account has no such token."""
    cursor = await connection.execute(
        """
        UPDATE tokens
           SET revoked_at = coalesce(revoked_at, now())
         WHERE token_id = %(token_id)s
           AND user_id = %(user_id)s
        RETURNING encode(hash, 'hex')
        """,
        {"token_id": token_id, "user_id": user_id},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def revoke_oldest_logins(connection: AsyncConnection, user_id: str, most: int) -> list[str]:
    """Leave an account the newest *most* tokens that it got for its password; return the hashes (hex) of the others."""
    cursor = await connection.execute(
        """
        UPDATE tokens
           SET revoked_at = now()
         WHERE token_id IN (SELECT token_id
                              FROM tokens
                             WHERE user_id = %(user_id)s
                               AND is_login
                               AND revoked_at IS NULL
                               AND expires_at > now()
                             ORDER BY created_at DESC, token_id
                            OFFSET %(most)s)
        RETURNING encode(hash, 'hex')
        """,
        {"user_id": user_id, "most": most},
    )
    return [digest for (digest,) in await cursor.fetchall()]


async def revoke_other_logins(connection: AsyncConnection, user_id: str, token_id: str) -> list[str]:
    """End all tokens that an account got for its password but *token_id*; return their keyed hashes (hex)."""
    cursor = await connection.execute(
        """
        UPDATE tokens
           SET revoked_at = now()
         WHERE user_id = %(user_id)s
           AND token_id <> %(token_id)s
           AND is_login
           AND revoked_at IS NULL
           AND expires_at > now()
        RETURNING encode(hash, 'hex')
        """,
        {"user_id": user_id, "token_id": token_id},
    )
    return [digest for (digest,) in await cursor.fetchall()]


async def delete_ended(connection: AsyncConnection, user_id: str) -> None:
    """Forget the tokens of an account that have been invalid for a month."""
    await connection.execute(
        """
        DELETE FROM tokens
              WHERE user_id = %(user_id)s
                AND least(revoked_at, expires_at) < now() - interval '30 days'
        """,
        {"user_id": user_id},
    )


async def replace_token(
    connection: AsyncConnection, user_id: str, token_id: str, digest: str, overlap_seconds: int
) -> tuple[Kept, str] | None:
    """Make a token like another, which ends after an overlap; return it and the other's keyed hash (hex).

    None when the account has no such valid token, or when it has been replaced before.
    """
    async with connection.transaction():
        cursor = await connection.execute(
            """
            UPDATE tokens
               SET expires_at = least(tokens.expires_at, now() + make_interval(secs => %(overlap)s))
              FROM (SELECT token_id, expires_at
                      FROM tokens
                     WHERE token_id = %(token_id)s
                       AND user_id = %(user_id)s
                       AND revoked_at IS NULL
                       AND replaced_by IS NULL
                       AND expires_at > now()
                       FOR UPDATE) AS before
             WHERE tokens.token_id = before.token_id
            RETURNING tokens.name, tokens.scopes, tokens.is_login, now() + (before.expires_at - tokens.created_at),
                      encode(tokens.hash, 'hex')
            """,
            {"token_id": token_id, "user_id": user_id, "overlap": overlap_seconds},
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        name, scopes, is_login, expires_at, old_digest = row
        new = await insert_token(connection, Wish(user_id, digest, name, scopes, expires_at, is_login))
        await connection.execute(
            "UPDATE tokens SET replaced_by = %(new)s WHERE token_id = %(old)s", {"new": new.token_id, "old": token_id}
        )
    return new, old_digest
