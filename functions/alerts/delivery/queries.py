"""Queries on the table of deliveries: claims, leases and results.

Attempts are timed by the clock of the database, which is the same for all copies, and in real time as receivers are.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

_EACH = 50
"""Maximum number of messages of one channel in a batch."""


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A claimed message with its channel and its firing (None: a test, or a code).

    *is_confirmed*: the recipient has confirmed the address and not unsubscribed since. *code_salt* derives the code of
    a message that *confirms* an address; None once the code has expired.
    """

    delivery_id: str
    attempts: int
    now: int
    created_at: datetime
    channel_id: str
    channel: str
    kind: str
    target: str
    salt: str
    key_id: str
    confirms: bool
    is_confirmed: bool
    code_salt: str | None
    firing_id: str | None
    firing_kind: str | None
    rule_id: str | None
    rule_ticker: str | None
    list_name: str | None
    repeat: str | None
    corrects: str | None
    ticker: str | None
    start: datetime | None
    end: datetime | None
    condition: dict[str, Any] | None
    revision: int | None
    source: str | None
    price: Decimal | None
    value: Decimal | None
    bound: Decimal | None
    detail: str | None
    fired_at: datetime | None


async def claim_due(
    connection: AsyncConnection, lease_seconds: int, most: int, delivery_id: str | None = None
) -> list[DueDelivery]:
    """Claim up to *most* due deliveries, some of each channel, or the one with an id; no other process sends them.

    If this process dies, they are due again after the lease.
    """
    cursor = connection.cursor(row_factory=class_row(DueDelivery))
    await cursor.execute(
        """
        WITH due AS (
             SELECT ranked.delivery_id
               FROM (SELECT delivery_id, next_at, row_number() OVER (PARTITION BY channel_id ORDER BY next_at) AS place
                       FROM alert_deliveries
                      WHERE state = 'pending'
                        AND next_at <= clock_timestamp()
                        AND (%(delivery_id)s::uuid IS NULL OR delivery_id = %(delivery_id)s)) AS ranked
              WHERE ranked.place <= %(each)s
              ORDER BY ranked.place, ranked.next_at
              LIMIT %(most)s
        ), claimed AS (
             UPDATE alert_deliveries AS delivery
                SET attempts = delivery.attempts + 1,
                    next_at = clock_timestamp() + make_interval(secs => %(lease)s)
               FROM due
              WHERE delivery.delivery_id = due.delivery_id
                AND delivery.state = 'pending'
                AND delivery.next_at <= clock_timestamp()
             RETURNING delivery.*
        )
        SELECT claimed.delivery_id::text, claimed.attempts, unix_seconds(clock_timestamp()) AS now, claimed.created_at,
               channel.channel_id::text, channel.name AS channel, channel.kind, channel.target, channel.salt,
               channel.key_id, claimed.confirms, channel.confirmed_at IS NOT NULL AS is_confirmed,
               code.salt AS code_salt, firing.firing_id::text,
               firing.kind AS firing_kind, rule.rule_id::text, rule.ticker AS rule_ticker, list.name AS list_name,
               rule.repeat,
               firing.corrects::text, firing.ticker, firing.start, firing."end", firing.condition, firing.revision,
               firing.source, firing.price, firing.value, firing.bound, firing.detail, firing.fired_at
          FROM claimed
          JOIN alert_channels AS channel USING (channel_id)
          LEFT JOIN alert_confirmations AS code ON claimed.confirms
                                               AND code.channel_id = claimed.channel_id
                                               AND code.expires_at > clock_timestamp()
          LEFT JOIN alert_firings AS firing USING (firing_id)
          LEFT JOIN alert_rules AS rule USING (rule_id)
          LEFT JOIN lists AS list USING (list_id)
         ORDER BY firing.fired_at, firing.start, claimed.delivery_id
        """,
        {"lease": lease_seconds, "most": most, "each": _EACH, "delivery_id": delivery_id},
    )
    return await cursor.fetchall()


async def update_leases(connection: AsyncConnection, delivery_ids: list[str], lease_seconds: int) -> None:
    """Renew the lease of deliveries that are still waiting in this process."""
    await connection.execute(
        """
        UPDATE alert_deliveries
           SET next_at = clock_timestamp() + make_interval(secs => %(lease)s)
         WHERE delivery_id = ANY (%(ids)s::uuid[])
           AND state = 'pending'
        """,
        {"ids": delivery_ids, "lease": lease_seconds},
    )


async def insert_test(connection: AsyncConnection, user_id: str, channel_id: str) -> str:
    """Insert a message that tests a channel and return its id."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        INSERT INTO alert_deliveries (channel_id, user_id, state, next_at, created_at)
             VALUES (%(channel_id)s, %(user_id)s, 'pending', clock_timestamp(), clock_timestamp())
          RETURNING delivery_id::text
        """,
        {"channel_id": channel_id, "user_id": user_id},
    )
    return str(await cursor.fetchone())


async def update_delivered(connection: AsyncConnection, delivery_ids: list[str]) -> None:
    """Record deliveries, and clear the failures of their channels."""
    await connection.execute(
        """
        WITH delivered AS (
             UPDATE alert_deliveries
                SET state = 'delivered',
                    delivered_at = clock_timestamp(),
                    last_error = NULL
              WHERE delivery_id = ANY (%(ids)s::uuid[])
             RETURNING channel_id
        )
        UPDATE alert_channels AS channel
           SET failures = 0,
               failing_since = NULL,
               last_error = NULL,
               delivered_at = clock_timestamp()
          FROM delivered
         WHERE channel.channel_id = delivered.channel_id
        """,
        {"ids": delivery_ids},
    )


async def update_failed(
    connection: AsyncConnection, delivery_id: str, error: str, again_in: int | None, *, gone: bool, disable: bool
) -> None:
    """Record a failed attempt; the next one is due after *again_in* seconds, None for no further attempt.

    *disable* the channel if it has delivered nothing since the message was created, or if the receiver reports it as
    *gone*; its pending messages fail too.
    """
    await connection.execute(
        """
        WITH failed AS (
             UPDATE alert_deliveries
                SET state = CASE WHEN %(again_in)s::integer IS NULL THEN 'failed' ELSE state END,
                    next_at = clock_timestamp() + make_interval(secs => coalesce(%(again_in)s, 0)),
                    last_error = %(error)s
              WHERE delivery_id = %(delivery_id)s
                AND state = 'pending'
             RETURNING channel_id, created_at
        )
        UPDATE alert_channels AS channel
           SET failures = channel.failures + 1,
               failing_since = coalesce(channel.failing_since, clock_timestamp()),
               last_error = %(error)s,
               state = CASE WHEN %(gone)s
                              OR %(disable)s AND coalesce(channel.delivered_at, '-infinity') < failed.created_at
                            THEN 'disabled' ELSE channel.state END
          FROM failed
         WHERE channel.channel_id = failed.channel_id
        """,
        {"delivery_id": delivery_id, "error": error, "again_in": again_in, "gone": gone, "disable": disable},
    )
    if disable:
        await connection.execute(
            """
            UPDATE alert_deliveries AS delivery
               SET state = 'failed',
                   last_error = 'the channel is disabled'
              FROM alert_deliveries AS failed
              JOIN alert_channels AS channel USING (channel_id)
             WHERE failed.delivery_id = %(delivery_id)s
               AND channel.state = 'disabled'
               AND delivery.channel_id = channel.channel_id
               AND delivery.state = 'pending'
            """,
            {"delivery_id": delivery_id},
        )


async def update_postponed(connection: AsyncConnection, delivery_ids: list[str], seconds: int) -> None:
    """Postpone claimed deliveries that were not tried, since their channel has failed; no attempt is counted."""
    await connection.execute(
        """
        UPDATE alert_deliveries
           SET attempts = attempts - 1,
               next_at = clock_timestamp() + make_interval(secs => %(seconds)s)
         WHERE delivery_id = ANY (%(ids)s::uuid[])
           AND state = 'pending'
        """,
        {"ids": delivery_ids, "seconds": seconds},
    )


async def is_pending(connection: AsyncConnection, seconds: int, attempts: int | None, before: datetime | None) -> bool:
    """Return whether a delivery is due within *seconds*, created until *before*, with at most *attempts*."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT EXISTS (SELECT
                         FROM alert_deliveries
                        WHERE state = 'pending'
                          AND next_at <= clock_timestamp() + make_interval(secs => %(seconds)s)
                          AND (%(attempts)s::integer IS NULL OR attempts <= %(attempts)s)
                          AND (%(before)s::timestamptz IS NULL OR created_at <= %(before)s))
        """,
        {"seconds": seconds, "attempts": attempts, "before": before},
    )
    return bool(await cursor.fetchone())
