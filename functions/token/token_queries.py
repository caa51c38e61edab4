"""Queries on the table of tokens, which holds keyed hashes instead of tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as its owner may see it; *invalidated_at* is set once the key has changed."""

    token_id: str
    name: str
    is_login: bool
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    replaced_by: str | None
    invalidated_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to insert: *digest* is its keyed hash (64 hex digits), *key_id* the generation of the key."""

    user_id: str
    digest: str
    key_id: str
    name: str
    scopes: Sequence[str]
    expires_at: datetime
    is_login: bool = False


async def insert_token(connection: AsyncConnection, token: NewToken) -> TokenRow:
    """Insert a token and return its row."""
    cursor = connection.cursor(row_factory=class_row(TokenRow))
    await cursor.execute(
        """
        INSERT INTO tokens (user_id, hash, key_id, name, is_login, scopes, expires_at)
             VALUES (%(user_id)s, decode(%(digest)s, 'hex'), %(key_id)s, %(name)s, %(is_login)s, %(scopes)s,
                     %(expires_at)s)
          RETURNING token_id::text, name, is_login, scopes, created_at, expires_at, used_at, replaced_by::text,
                    invalidated_at
        """,
        asdict(token),
    )
    row = await cursor.fetchone()
    assert row is not None, "an INSERT without a conflict returns its row"  # noqa: S101
    return row


async def select_tokens(connection: AsyncConnection, user_id: str) -> list[TokenRow]:
    """Return the tokens of an account that it has not revoked and that have not expired, oldest first."""
    cursor = connection.cursor(row_factory=class_row(TokenRow))
    await cursor.execute(
        """
        SELECT token_id::text, name, is_login, scopes, created_at, expires_at, used_at, replaced_by::text,
               invalidated_at
          FROM tokens
         WHERE user_id = %(user_id)s
           AND revoked_at IS NULL
           AND expires_at > now()
         ORDER BY created_at, token_id
        """,
        {"user_id": user_id},
    )
    return await cursor.fetchall()


async def count_named_tokens(connection: AsyncConnection, user_id: str) -> int:
    """Return the number of valid tokens of an account, without its logins."""
    cursor = await connection.execute(
        """
        SELECT count(*)
          FROM tokens
         WHERE user_id = %(user_id)s
           AND NOT is_login
           AND revoked_at IS NULL
           AND invalidated_at IS NULL
           AND expires_at > now()
        """,
        {"user_id": user_id},
    )
    row = await cursor.fetchone()
    return row[0] if row else 0


async def update_used(connection: AsyncConnection, used: Mapping[str, int]) -> None:
    """Store the last use of tokens, Unix seconds by id; a later stored time is kept."""
    await connection.execute(
        """
        UPDATE tokens
           SET used_at = greatest(tokens.used_at, to_timestamp(seen.at))
          FROM unnest(%(ids)s::uuid[], %(times)s::bigint[]) AS seen (token_id, at)
         WHERE tokens.token_id = seen.token_id
        """,
        {"ids": list(used), "times": list(used.values())},
    )


async def invalidate_other_keys(connection: AsyncConnection, key_id: str) -> int:
    """Invalidate all tokens of other keys permanently and return their number; old rows have no key."""
    await connection.execute("UPDATE tokens SET key_id = %(key_id)s WHERE key_id IS NULL", {"key_id": key_id})
    cursor = await connection.execute(
        """
        UPDATE tokens
           SET invalidated_at = now()
         WHERE (key_id < %(key_id)s OR key_id > %(key_id)s)
           AND revoked_at IS NULL
           AND invalidated_at IS NULL
        """,
        {"key_id": key_id},
    )
    return cursor.rowcount


async def revoke_token(connection: AsyncConnection, user_id: str, token_id: str) -> str | None:
    """Revoke a token and return its keyed hash (hex), None when the account has no such token."""
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


async def revoke_tokens(
    connection: AsyncConnection, user_id: str, *, logins_only: bool, spare: str | None = None
) -> list[str]:
    """Revoke all tokens of an account, or all its logins, except *spare*; return their keyed hashes (hex)."""
    cursor = await connection.execute(
        """
        UPDATE tokens
           SET revoked_at = now()
         WHERE user_id = %(user_id)s
           AND (is_login OR NOT %(logins_only)s)
           AND token_id IS DISTINCT FROM %(spare)s::uuid
           AND revoked_at IS NULL
           AND expires_at > now()
        RETURNING encode(hash, 'hex')
        """,
        {"user_id": user_id, "logins_only": logins_only, "spare": spare},
    )
    return [digest for (digest,) in await cursor.fetchall()]


async def revoke_oldest_logins(connection: AsyncConnection, user_id: str, most: int) -> list[str]:
    """Revoke all logins of an account except the newest *most*; return their keyed hashes (hex)."""
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


async def delete_ended(connection: AsyncConnection, user_id: str) -> None:
    """Delete the tokens of an account that ended a month ago."""
    await connection.execute(
        """
        DELETE FROM tokens
              WHERE user_id = %(user_id)s
                AND least(revoked_at, invalidated_at, expires_at) < now() - interval '30 days'
        """,
        {"user_id": user_id},
    )


async def replace_token(
    connection: AsyncConnection, user_id: str, token_id: str, digest: str, key_id: str, overlap_seconds: int
) -> tuple[TokenRow, str] | None:
    """Insert a copy of a token, which ends after an overlap; return the copy and the old keyed hash (hex).

    A login keeps its end. None when the account has no such valid token, or it has been replaced already.
    """
    cursor = await connection.execute(
        """
        UPDATE tokens
           SET expires_at = least(tokens.expires_at, now() + make_interval(secs => %(overlap)s))
          FROM (SELECT token_id, expires_at
                  FROM tokens
                 WHERE token_id = %(token_id)s
                   AND user_id = %(user_id)s
                   AND revoked_at IS NULL
                   AND invalidated_at IS NULL
                   AND replaced_by IS NULL
                   AND expires_at > now()
                   FOR UPDATE) AS before
         WHERE tokens.token_id = before.token_id
        RETURNING tokens.name, tokens.scopes, tokens.is_login,
                  CASE WHEN tokens.is_login THEN before.expires_at
                       ELSE now() + (before.expires_at - tokens.created_at) END,
                  encode(tokens.hash, 'hex')
        """,
        {"token_id": token_id, "user_id": user_id, "overlap": overlap_seconds},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    name, scopes, is_login, expires_at, old_digest = row
    new = await insert_token(connection, NewToken(user_id, digest, key_id, name, scopes, expires_at, is_login))
    await connection.execute(
        "UPDATE tokens SET replaced_by = %(new)s WHERE token_id = %(old)s", {"new": new.token_id, "old": token_id}
    )
    return new, old_digest
