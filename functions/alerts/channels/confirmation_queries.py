"""Queries on the table of confirmations: codes that wait for the readers of addresses."""

from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.alerts.channels.queries import update_disabled


@dataclass(frozen=True, slots=True)
class ConfirmationRow:
    """A code that waits: its salt, whether it is still good, and how often one was tried, this time included."""

    salt: str
    is_current: bool
    attempts: int


async def insert_confirmation(
    connection: AsyncConnection, user_id: str, channel_id: str, salt: str, seconds: int
) -> str:
    """Replace the code of a channel by another one, good for some *seconds*; return the id of its message.

    A channel has one code: a message with an earlier one that still waits is given up.
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
    """Count a try of a code and return what it is compared with; None when no code waits."""
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
    """Make a channel active whose reader has the code; the code is good for no second time."""
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
    """Return the salt of a channel of mail, None for any other."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        "SELECT salt FROM alert_channels WHERE channel_id = %(channel_id)s AND kind = 'email'",
        {"channel_id": channel_id},
    )
    return await cursor.fetchone()


async def update_unsubscribed(connection: AsyncConnection, channel_id: str) -> None:
    """Disable a channel whose reader wants no mail: it must be confirmed anew. Messages that wait are not sent."""
    why = "the reader has unsubscribed"
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
