"""Evaluation of the rules about missing bars, in one statement: bars of a session that are not stored."""

from datetime import datetime, timedelta
from typing import LiteralString

from psycopg import AsyncConnection

from functions.alerts.evaluation.bars import LATE
from functions.alerts.evaluation.results import (
    AS_JSON,
    CONDITION,
    MEMBERS,
    PERIOD,
    EvaluationResults,
    as_results,
    count_corrections,
    has_standing_firing,
)

EVALUATE_MISSING: LiteralString = f"""
WITH rule AS MATERIALIZED (
     SELECT rule.*, CASE WHEN known.active THEN rule.ticker ELSE coalesce(known.renamed_to, rule.ticker) END AS subject
       FROM alert_rules AS rule
       LEFT JOIN tickers AS known USING (ticker)
      WHERE rule.kind = 'missing'
), member AS MATERIALIZED (
     {MEMBERS}
), absent AS MATERIALIZED (
     SELECT asked.ticker, slot.start, slot."end", session.date AS session
       FROM sessions AS session
      CROSS JOIN LATERAL (SELECT start, least(start + interval '1 hour', session.closes) AS "end"
                            FROM generate_series(session.opens, session.closes - interval '1 second',
                                                 interval '1 hour') AS start) AS slot
      CROSS JOIN tickers AS asked
      WHERE EXISTS (SELECT FROM rule)
        AND session.opens > %(now)s - %(late)s
        AND session.opens < %(now)s
        AND slot."end" + %(after)s <= %(now)s
        AND asked.active
        AND NOT EXISTS (SELECT
                          FROM bars AS stored
                         WHERE stored.ticker = asked.ticker
                           AND stored.interval = '1h'
                           AND stored.start = slot.start)
), pair AS (
     SELECT matched.*, {PERIOD} AS period
       FROM (SELECT rule.*, absent.ticker AS about, absent.start, absent."end", absent.session
               FROM rule
               JOIN absent ON rule.subject = absent.ticker
                            OR rule.subject IS NULL AND rule.list_id IS NULL
                            OR (rule.rule_id, absent.ticker) IN (SELECT member.rule_id, member.subject FROM member)
              WHERE absent."end" > rule.since
                AND NOT rule.paused) AS matched
), undone AS (
     SELECT firing.*, stored.revision AS new_revision, stored.source AS new_source, stored.close
       FROM alert_firings AS firing
       JOIN rule USING (rule_id)
       JOIN bars AS stored ON stored.ticker = firing.ticker AND stored.interval = '1h' AND stored.start = firing.start
      WHERE firing.standing
        AND firing.start > %(now)s - %(late)s
), fresh AS (
     SELECT DISTINCT ON (pair.rule_id, pair.about, pair.period) pair.*
       FROM pair
      WHERE NOT {has_standing_firing("about")}
      ORDER BY pair.rule_id, pair.about, pair.period, pair.start
), result AS (
     SELECT 'corrected' AS kind, firing_id AS corrects, rule_id, user_id, ticker, start, "end", session, period, round,
            condition, new_revision AS revision, new_source AS source, close AS price, NULL AS value, NULL AS bound,
            NULL AS detail
       FROM undone
      UNION ALL
     SELECT 'fired', NULL, rule_id, user_id, about, start, "end", session, period,
            {count_corrections("about")},
            {CONDITION}, NULL, NULL, NULL, NULL, NULL, NULL
       FROM fresh
)
{AS_JSON}"""  # noqa: S608  made of parts of statements alone


async def evaluate_missing(connection: AsyncConnection, now: datetime, after: timedelta) -> EvaluationResults:
    """Evaluate bars that ended *after* ago or earlier: missing ones fire; arrived ones revoke their firings."""
    cursor = await connection.execute(EVALUATE_MISSING, {"now": now, "after": after, "late": LATE})
    return as_results(await cursor.fetchone())
