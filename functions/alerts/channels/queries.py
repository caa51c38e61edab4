"""Queries on the table of channels, each of one account."""

from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as its owner may see it; *pending* counts the pending messages."""

    channel_id: str
    kind: str
    name: str
    target: str
    shown: str | None
    salt: str
    key_id: str
    state: str
    failures: int
    failing_since: datetime | None
    last_error: str | None
    delivered_at: datetime | None
    created_at: datetime
    pending: int


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel to insert."""

    channel_id: str
    kind: str
    name: str
    target: str
    salt: str
    key_id: str
    state: str
    shown: str | None = None
    target_key: str | None = None


async def select_channel_ids(connection: AsyncConnection, user_id: str) -> list[str]:
    """Return the ids of the channels of an account."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        "SELECT channel_id::text FROM alert_channels WHERE user_id = %(user_id)s", {"user_id": user_id}
    )
    return await cursor.fetchall()


async def insert_channel(connection: AsyncConnection, user_id: str, channel: NewChannel, now: datetime) -> None:
    """Insert a channel; unique by account, kind and target_key."""
    await connection.execute(
        """
        INSERT INTO alert_channels (channel_id, user_id, kind, name, target, salt, key_id, state, shown, target_key,
                                    created_at)
             VALUES (%(channel_id)s, %(user_id)s, %(kind)s, %(name)s, %(target)s, %(salt)s, %(key_id)s, %(state)s,
                     %(shown)s, %(target_key)s, %(now)s)
        """,
        {**asdict(channel), "user_id": user_id, "now": now},
    )


async def select_channels(connection: AsyncConnection, user_id: str, channel_id: str | None = None) -> list[ChannelRow]:
    """Return the channels of an account, oldest first, or the one with an id."""
    cursor = connection.cursor(row_factory=class_row(ChannelRow))
    await cursor.execute(
        """
        SELECT channel_id::text, kind, name, target, shown, salt, key_id, state, failures, failing_since, last_error,
               delivered_at, created_at,
               (SELECT count(*)
                  FROM alert_deliveries AS delivery
                 WHERE delivery.channel_id = channel.channel_id
                   AND delivery.state = 'pending') AS pending
          FROM alert_channels AS channel
         WHERE user_id = %(user_id)s
           AND (%(channel_id)s::uuid IS NULL OR channel_id = %(channel_id)s)
         ORDER BY created_at, channel_id
        """,
        {"user_id": user_id, "channel_id": channel_id},
    )
    return await cursor.fetchall()


async def select_same_channel(connection: AsyncConnection, user_id: str, kind: str, target_key: str) -> str | None:
    """Return the id of the account's channel of the same target, None without one."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT channel_id::text
          FROM alert_channels
         WHERE user_id = %(user_id)s
           AND kind = %(kind)s
           AND target_key = %(target_key)s
        """,
        {"user_id": user_id, "kind": kind, "target_key": target_key},
    )
    return await cursor.fetchone()


async def update_target(connection: AsyncConnection, channel_id: str, channel: NewChannel) -> None:
    """Replace the keys of a browser's subscription and make its channel active; the name stays."""
    await connection.execute(
        """
        UPDATE alert_channels
           SET target = %(target)s,
               salt = %(salt)s,
               key_id = %(key_id)s,
               state = 'active',
               failures = 0,
               failing_since = NULL,
               last_error = NULL
         WHERE channel_id = %(id)s
        """,
        {**asdict(channel), "id": channel_id},
    )


async def update_channel(
    connection: AsyncConnection, user_id: str, channel_id: str, name: str, *, enable: bool
) -> None:
    """Rename a channel; *enable* makes it active again, or unconfirmed if its address is not confirmed."""
    await connection.execute(
        """
        UPDATE alert_channels
           SET name = %(name)s,
               state = CASE WHEN NOT %(enable)s THEN state
                            WHEN kind = 'email' AND confirmed_at IS NULL THEN 'unconfirmed'
                            ELSE 'active' END,
               failures = CASE WHEN %(enable)s THEN 0 ELSE failures END,
               failing_since = CASE WHEN %(enable)s THEN NULL ELSE failing_since END,
               last_error = CASE WHEN %(enable)s THEN NULL ELSE last_error END
         WHERE channel_id = %(channel_id)s
           AND user_id = %(user_id)s
        """,
        {"user_id": user_id, "channel_id": channel_id, "name": name, "enable": enable},
    )


async def update_disabled(
    connection: AsyncConnection, channel_id: str, why: str = "the channel was disabled", *, error: str | None = None
) -> None:
    """Disable a channel, which the caller has looked up; its pending messages fail with the error *why*.

    *error* is the channel's own, None when its account disables it.
    """
    await connection.execute(
        """
        WITH waiting AS (
             UPDATE alert_deliveries
                SET state = 'failed',
                    last_error = %(why)s
              WHERE channel_id = %(channel_id)s
                AND state = 'pending'
        )
        UPDATE alert_channels
           SET state = 'disabled',
               last_error = %(error)s
         WHERE channel_id = %(channel_id)s
        """,
        {"channel_id": channel_id, "why": why, "error": error},
    )


async def update_salt(connection: AsyncConnection, user_id: str, channel_id: str, salt: str, key_id: str) -> bool:
    """Replace the salt that the secret of a webhook is derived from; False when the account has no such webhook."""
    cursor = await connection.execute(
        """
        UPDATE alert_channels
           SET salt = %(salt)s,
               key_id = %(key_id)s
         WHERE channel_id = %(channel_id)s
           AND user_id = %(user_id)s
           AND kind = 'webhook'
        """,
        {"user_id": user_id, "channel_id": channel_id, "salt": salt, "key_id": key_id},
    )
    return cursor.rowcount == 1


async def delete_channel(connection: AsyncConnection, user_id: str, channel_id: str) -> bool:
    """Delete a channel with its messages and remove it from the rules; False when the account has no such channel."""
    key = {"user_id": user_id, "channel_id": channel_id}
    cursor = await connection.execute(
        "DELETE FROM alert_channels WHERE channel_id = %(channel_id)s AND user_id = %(user_id)s", key
    )
    if not cursor.rowcount:
        return False
    await connection.execute(
        """
        UPDATE alert_rules
           SET channel_ids = array_remove(channel_ids, %(channel_id)s::uuid)
         WHERE user_id = %(user_id)s
           AND %(channel_id)s::uuid = ANY (channel_ids)
        """,
        key,
    )
    return True
