"""Results of evaluation: the rows that its statements return as JSON text, and the statements that store them.

The text is passed from one statement to the next unparsed, so that no figure loses a digit.
"""

from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import AsyncConnection

PERIOD: LiteralString = """
    CASE matched.repeat WHEN 'once' THEN 'once'
                        WHEN 'session' THEN matched.session::text
                        ELSE rfc3339(matched.start) END
"""
"""Period in which a rule fires once for each ticker."""
CONDITION: LiteralString = """
    jsonb_build_object('kind', kind, 'direction', direction, 'basis', basis, 'span', span,
                       'amount', trim_scale(amount)::text)
"""
"""Condition of the rule as it was when it fired, stored with the firing."""
MEMBERS: LiteralString = """
     SELECT DISTINCT rule.rule_id,
            CASE WHEN listed.active THEN item.ticker ELSE coalesce(listed.renamed_to, item.ticker) END AS subject
       FROM rule
       JOIN list_tickers AS item USING (list_id)
       LEFT JOIN tickers AS listed ON listed.ticker = item.ticker
"""
"""Tickers of each rule about a list: its present tickers, by their current names."""
AS_JSON: LiteralString = """
    SELECT coalesce(json_agg(result)::text, '[]'), count(*)
      FROM result
"""
"""End of each evaluation statement: its results as one row."""
_ITEMS: LiteralString = """
    json_to_recordset(%(items)s::json)
        AS item (kind text, corrects uuid, rule_id uuid, user_id uuid, ticker text, start timestamptz,
                 "end" timestamptz, session date, period text, round integer, condition jsonb, revision integer,
                 source text, price numeric, value numeric, bound numeric, detail text)
"""


def has_standing_firing(ticker: LiteralString) -> LiteralString:
    """Return the condition that a firing stands for the rule and period of `pair`, by its column *ticker*."""
    return f"""
        EXISTS (SELECT
                  FROM alert_firings AS firing
                 WHERE firing.rule_id = pair.rule_id
                   AND firing.ticker = pair.{ticker}
                   AND firing.period = pair.period
                   AND firing.standing
                   AND firing.firing_id NOT IN (SELECT undone.firing_id FROM undone))
    """  # noqa: S608  the column is named by the code


def count_corrections(ticker: LiteralString) -> LiteralString:
    """Return the number of corrections of the rule and bar of `fresh`, by its column *ticker*, which is the round."""
    return f"""
        (SELECT count(*)
           FROM alert_firings AS before
          WHERE before.rule_id = fresh.rule_id
            AND before.ticker = fresh.{ticker}
            AND before.start = fresh.start
            AND before.kind = 'corrected')
    """  # noqa: S608  the column is named by the code


class EvaluationResults(NamedTuple):
    """Firings and corrections as a JSON array, and their number."""

    items: str
    number: int


def as_results(row: tuple[Any, ...] | None) -> EvaluationResults:
    """Return the results in the row of an evaluation statement."""
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return EvaluationResults(*row)


async def lock_evaluation(connection: AsyncConnection) -> None:
    """Lock evaluation until the end of the transaction, so that it sees the results of other processes."""
    await connection.execute("SELECT pg_advisory_xact_lock(5746806)")


async def store_results(connection: AsyncConnection, results: EvaluationResults, now: datetime) -> int:
    """Store *results* with a delivery for each channel, corrections first; return the number of new ones.

    Firings are unique by rule, bar, round and kind: storing the same results again changes nothing.
    """
    if not results.number:
        return 0
    await connection.execute(
        f"""
        UPDATE alert_firings AS firing
           SET standing = false
          FROM {_ITEMS}
         WHERE item.kind = 'corrected'
           AND firing.firing_id = item.corrects
        """,  # noqa: S608  made of parts of statements alone
        {"items": results.items},
    )
    cursor = await connection.execute(
        f"""
        WITH inserted AS (
             INSERT INTO alert_firings (rule_id, user_id, kind, ticker, interval, start, round, "end", session, period,
                                        standing, corrects, condition, revision, source, price, value, bound, detail,
                                        fired_at)
                  SELECT rule_id, user_id, kind, ticker, '1h', start, round, "end", session, period, kind = 'fired',
                         corrects, condition, revision, source, price, value, bound, detail, %(now)s
                    FROM {_ITEMS}
             ON CONFLICT DO NOTHING
               RETURNING firing_id, rule_id, user_id
        ), sent AS (
             INSERT INTO alert_deliveries (firing_id, channel_id, user_id, state, next_at, created_at)
                  SELECT inserted.firing_id, channel.channel_id, inserted.user_id, 'pending', clock_timestamp(),
                         clock_timestamp()
                    FROM inserted
                    JOIN alert_rules AS rule USING (rule_id)
                    JOIN alert_channels AS channel ON channel.user_id = inserted.user_id AND channel.state = 'active'
                   WHERE rule.channel_ids IS NULL
                      OR channel.channel_id = ANY (rule.channel_ids)
        )
        SELECT count(*) FROM inserted
        """,  # noqa: S608  made of parts of statements alone
        {"items": results.items, "now": now},
    )
    row = await cursor.fetchone()
    return row[0] if row else 0
