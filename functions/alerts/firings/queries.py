"""Queries on the table of firings, with their deliveries."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.alerts.firings.query import FiringsQuery


@dataclass(frozen=True, slots=True)
class FiringRow:
    """A firing as its owner may see it; *deliveries* has a JSON object for each channel."""

    firing_id: str
    rule_id: str
    rule_ticker: str | None
    list_name: str | None
    repeat: str
    kind: str
    corrects: str | None
    is_corrected: bool
    ticker: str
    start: datetime
    end: datetime
    session: Any
    condition: dict[str, Any]
    revision: int | None
    source: str | None
    price: Decimal | None
    value: Decimal | None
    bound: Decimal | None
    detail: str | None
    fired_at: datetime
    deliveries: list[dict[str, Any]]


async def select_firings(
    connection: AsyncConnection, user_id: str, rule_id: str | None, query: FiringsQuery
) -> list[FiringRow]:
    """Return the firings of an account, or of one rule, newest first; one more than the page size."""
    place = query.place
    cursor = connection.cursor(row_factory=class_row(FiringRow))
    await cursor.execute(
        """
        SELECT firing.firing_id::text, firing.rule_id::text, rule.ticker AS rule_ticker, list.name AS list_name,
               rule.repeat, firing.kind,
               firing.corrects::text,
               EXISTS (SELECT FROM alert_firings AS other WHERE other.corrects = firing.firing_id) AS is_corrected,
               firing.ticker, firing.start, firing."end", firing.session, firing.condition, firing.revision,
               firing.source, trim_scale(firing.price) AS price, trim_scale(firing.value) AS value,
               trim_scale(firing.bound) AS bound, firing.detail, firing.fired_at, sent.deliveries
          FROM alert_firings AS firing
          JOIN alert_rules AS rule USING (rule_id)
          LEFT JOIN lists AS list USING (list_id)
         CROSS JOIN LATERAL (
               SELECT coalesce(json_agg(json_build_object(
                          'channel', delivery.channel_id,
                          'state', delivery.state,
                          'attempts', delivery.attempts,
                          'next_attempt_at', CASE delivery.state WHEN 'pending' THEN rfc3339(delivery.next_at) END,
                          'delivered_at', rfc3339(delivery.delivered_at),
                          'error', delivery.last_error) ORDER BY delivery.channel_id), '[]') AS deliveries
                 FROM alert_deliveries AS delivery
                WHERE delivery.firing_id = firing.firing_id) AS sent
         WHERE firing.user_id = %(user_id)s
           AND (%(rule_id)s::uuid IS NULL OR firing.rule_id = %(rule_id)s)
           AND (%(fired_at)s::timestamptz IS NULL
                OR (firing.fired_at, firing.firing_id) < (%(fired_at)s, %(firing_id)s::uuid))
         ORDER BY firing.fired_at DESC, firing.firing_id DESC
         LIMIT %(limit)s + 1
        """,
        {
            "user_id": user_id,
            "rule_id": rule_id,
            "fired_at": place and place.fired_at,
            "firing_id": place and place.firing_id,
            "limit": query.limit,
        },
    )
    return await cursor.fetchall()
