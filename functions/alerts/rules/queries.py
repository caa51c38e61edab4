"""Queries on the table of rules, each of one account."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.alerts.rules.condition import Condition, Kind


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as its owner may see it; *fired* counts its firings without corrections."""

    rule_id: str
    ticker: str | None
    list_id: str | None
    list_name: str | None
    kind: Kind
    direction: str | None
    basis: str | None
    span: str | None
    amount: Decimal | None
    repeat: str
    channel_ids: list[str] | None
    paused: bool
    created_at: datetime
    changed_at: datetime
    fired: int
    last_fired_at: datetime | None
    is_done: bool

    @property
    def condition(self) -> Condition:
        """The condition of the rule."""
        return Condition(self.kind, self.direction, self.basis, self.span, self.amount)


@dataclass(frozen=True, slots=True)
class NewRule:
    """The parts of a rule that its account sets."""

    ticker: str | None
    list_id: str | None
    kind: str
    direction: str | None
    basis: str | None
    span: str | None
    amount: Decimal | None
    repeat: str
    channel_ids: list[str] | None
    paused: bool


async def lock_account(connection: AsyncConnection, user_id: str) -> None:
    """Lock the account until the transaction ends, so that requests which add something are serialized."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(user_id)s::text, 5746805))", {"user_id": user_id}
    )


async def count_rules(connection: AsyncConnection, user_id: str) -> int:
    """Return the number of rules of an account."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute("SELECT count(*) FROM alert_rules WHERE user_id = %(user_id)s", {"user_id": user_id})
    return int(await cursor.fetchone() or 0)


async def is_own_list(connection: AsyncConnection, user_id: str, list_id: str) -> bool:
    """Return whether the account has a list with this id."""
    cursor = await connection.execute(
        "SELECT FROM lists WHERE list_id = %(list_id)s AND user_id = %(user_id)s FOR KEY SHARE",
        {"list_id": list_id, "user_id": user_id},
    )
    return cursor.rowcount == 1


async def insert_rule(connection: AsyncConnection, user_id: str, rule: NewRule, now: datetime) -> str:
    """Insert a rule and return its id."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        INSERT INTO alert_rules (user_id, ticker, list_id, kind, direction, basis, span, amount, repeat, channel_ids,
                                 paused, since, stated_at, created_at, changed_at)
             VALUES (%(user_id)s, %(ticker)s, %(list_id)s, %(kind)s, %(direction)s, %(basis)s, %(span)s, %(amount)s,
                     %(repeat)s, %(channel_ids)s::uuid[], %(paused)s, %(now)s, %(now)s, %(now)s, %(now)s)
          RETURNING rule_id::text
        """,
        {**asdict(rule), "user_id": user_id, "now": now},
    )
    return str(await cursor.fetchone())


async def select_rules(connection: AsyncConnection, user_id: str, rule_id: str | None = None) -> list[RuleRow]:
    """Return the rules of an account, oldest first, or the one with an id."""
    cursor = connection.cursor(row_factory=class_row(RuleRow))
    await cursor.execute(
        """
        SELECT rule.rule_id::text, rule.ticker, rule.list_id::text, list.name AS list_name, rule.kind, rule.direction,
               rule.basis, rule.span, trim_scale(rule.amount) AS amount, rule.repeat, rule.channel_ids::text[],
               rule.paused, rule.created_at,
               rule.changed_at, firings.fired, firings.last_fired_at,
               rule.repeat = 'once' AND rule.ticker IS NOT NULL AND firings.standing > 0 AS is_done
          FROM alert_rules AS rule
          LEFT JOIN lists AS list USING (list_id)
         CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE kind = 'fired') AS fired,
                                    count(*) FILTER (WHERE standing) AS standing,
                                    max(fired_at) FILTER (WHERE kind = 'fired') AS last_fired_at
                               FROM alert_firings
                              WHERE alert_firings.rule_id = rule.rule_id) AS firings
         WHERE rule.user_id = %(user_id)s
           AND (%(rule_id)s::uuid IS NULL OR rule.rule_id = %(rule_id)s)
         ORDER BY rule.created_at, rule.rule_id
        """,
        {"user_id": user_id, "rule_id": rule_id},
    )
    return await cursor.fetchall()


async def update_rule(
    connection: AsyncConnection, user_id: str, rule_id: str, rule: NewRule, now: datetime, *, afresh: bool
) -> None:
    """Update a rule. *afresh*: only bars that end from now on are evaluated, and earlier firings are final."""
    await connection.execute(
        """
        UPDATE alert_rules
           SET ticker = %(ticker)s,
               list_id = %(list_id)s,
               direction = %(direction)s,
               basis = %(basis)s,
               span = %(span)s,
               amount = %(amount)s,
               repeat = %(repeat)s,
               channel_ids = %(channel_ids)s::uuid[],
               paused = %(paused)s,
               stated_at = CASE WHEN amount IS DISTINCT FROM %(amount)s OR ticker IS DISTINCT FROM %(ticker)s
                                     OR list_id IS DISTINCT FROM %(list_id)s::uuid
                                THEN %(now)s ELSE stated_at END,
               since = CASE WHEN %(afresh)s THEN %(now)s ELSE since END,
               changed_at = %(now)s
         WHERE rule_id = %(rule_id)s
           AND user_id = %(user_id)s
        """,
        {**asdict(rule), "user_id": user_id, "rule_id": rule_id, "now": now, "afresh": afresh},
    )
    if afresh:
        await connection.execute(
            "UPDATE alert_firings SET standing = false WHERE rule_id = %(rule_id)s AND standing", {"rule_id": rule_id}
        )


async def delete_rule(connection: AsyncConnection, user_id: str, rule_id: str) -> bool:
    """Delete a rule and its firings; False when the account has no such rule."""
    cursor = await connection.execute(
        "DELETE FROM alert_rules WHERE rule_id = %(rule_id)s AND user_id = %(user_id)s",
        {"rule_id": rule_id, "user_id": user_id},
    )
    return cursor.rowcount == 1
