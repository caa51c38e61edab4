"""Queries on the table of pending confirmation codes."""

from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.alerts.channels.queries import update_disabled


@dataclass(frozen=True, slots=True)
class ConfirmationRow:
    """A pending code: its salt, whether it is still valid, and the number of attempts, this one included."""

    salt: str
    is_current: bool
    attempts: int


async def insert_confirmation(
    connection: AsyncConnection, user_id: str, channel_id: str, salt: str, seconds: int
) -> str:
    """Replace the code of a channel by another one, valid for *seconds*, and return the id of its message.

    A channel has one code: a pending message with an earlier one fails.
    """
    values = {"channel_id": channel_id, "user_id": user_id, "salt": salt, "seconds": seconds}
    await connection.execute(
        """
        INSERT INTO alert_confirmations (channel_id, salt, expires_at)
             VALUES (%(channel_id)s, %(salt)s, clock_timestamp() + make_interval(secs => %(seconds)s))
        ON CONFLICT (channel_id) DO UPDATE
                SET salt = excluded.salt,
                    expires_at = excluded.expires_at,
                    attempts = 0
        """,
        values,
    )
    await connection.execute(
        """
        UPDATE alert_deliveries
           SET state = 'failed',
               last_error = 'another code was requested'
         WHERE channel_id = %(channel_id)s
           AND confirms
           AND state = 'pending'
        """,
        values,
    )
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        INSERT INTO alert_deliveries (channel_id, user_id, state, next_at, created_at, confirms)
             VALUES (%(channel_id)s, %(user_id)s, 'pending', clock_timestamp(), clock_timestamp(), true)
          RETURNING delivery_id::text
        """,
        values,
    )
    return str(await cursor.fetchone())


async def update_attempts(connection: AsyncConnection, channel_id: str) -> ConfirmationRow | None:
    """Count an attempt and return the pending code; None without one."""
    cursor = connection.cursor(row_factory=class_row(ConfirmationRow))
    await cursor.execute(
        """
        UPDATE alert_confirmations
           SET attempts = attempts + 1
         WHERE channel_id = %(channel_id)s
        RETURNING salt, expires_at > clock_timestamp() AS is_current, attempts
        """,
        {"channel_id": channel_id},
    )
    return await cursor.fetchone()


async def update_confirmed(connection: AsyncConnection, channel_id: str) -> None:
    """Make a channel active and delete its code, so that it cannot be used again."""
    await connection.execute(
        """
        WITH done AS (
             DELETE FROM alert_confirmations WHERE channel_id = %(channel_id)s
        )
        UPDATE alert_channels
           SET state = 'active',
               confirmed_at = clock_timestamp(),
               failures = 0,
               failing_since = NULL,
               last_error = NULL
         WHERE channel_id = %(channel_id)s
        """,
        {"channel_id": channel_id},
    )


async def select_salt(connection: AsyncConnection, channel_id: str) -> str | None:
    """Return the salt of an email channel, None for any other."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        "SELECT salt FROM alert_channels WHERE channel_id = %(channel_id)s AND kind = 'email'",
        {"channel_id": channel_id},
    )
    return await cursor.fetchone()


async def update_unsubscribed(connection: AsyncConnection, channel_id: str) -> None:
    """Disable a channel after its recipient unsubscribed.

    Pending messages are cancelled, and reactivation needs a new confirmation.
    """
    why = "the recipient has unsubscribed"
    await update_disabled(connection, channel_id, why, error=why)
    await connection.execute(
        """
        WITH done AS (
             DELETE FROM alert_confirmations WHERE channel_id = %(channel_id)s
        )
        UPDATE alert_channels
           SET confirmed_at = NULL
         WHERE channel_id = %(channel_id)s
        """,
        {"channel_id": channel_id},
    )
