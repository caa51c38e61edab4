"""Evaluation of the rules about insights, in one statement, by the newest revision of each hour."""

from datetime import datetime
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

EVALUATE_INSIGHTS: LiteralString = f"""
WITH rule AS MATERIALIZED (
     SELECT rule.*, CASE WHEN known.active THEN rule.ticker ELSE coalesce(known.renamed_to, rule.ticker) END AS subject
       FROM alert_rules AS rule
       LEFT JOIN tickers AS known USING (ticker)
      WHERE rule.kind = 'insight'
), member AS MATERIALIZED (
     {MEMBERS}
), hour AS MATERIALIZED (
     SELECT DISTINCT ON (hour.start) hour.start, hour.revision, hour."end", hour.session
       FROM insight_hours AS hour
      WHERE hour.start > %(now)s - %(late)s
        AND hour.start >= %(first)s
      ORDER BY hour.start, hour.revision DESC
), written AS MATERIALIZED (
     SELECT hour.start, hour."end", hour.session, about.ticker, insight.place, insight.insight,
            coalesce(insight.significance, 0) AS significance
       FROM hour
       JOIN insights AS insight USING (start, revision)
      CROSS JOIN LATERAL unnest(insight.tickers) AS about (ticker)
), pair AS MATERIALIZED (
     SELECT matched.*, {PERIOD} AS period
       FROM (SELECT rule.*, written.ticker AS about, written.start, written."end", written.session, written.place,
                    written.insight, written.significance
               FROM rule
               JOIN written ON rule.subject = written.ticker
                            OR rule.subject IS NULL AND rule.list_id IS NULL
                            OR (rule.rule_id, written.ticker) IN (SELECT member.rule_id, member.subject FROM member)
              WHERE written.significance >= coalesce(rule.amount, 0)) AS matched
), undone AS (
     SELECT firing.*
       FROM alert_firings AS firing
       JOIN rule USING (rule_id)
       JOIN hour USING (start)
      WHERE firing.standing
        -- No correction for a ticker that has left the list.
        AND (rule.list_id IS NULL
             OR (rule.rule_id, firing.ticker) IN (SELECT member.rule_id, member.subject FROM member))
        AND NOT EXISTS (SELECT
                          FROM pair
                         WHERE pair.rule_id = firing.rule_id
                           AND pair.about = firing.ticker
                           AND pair.start = firing.start)
), fresh AS (
     SELECT DISTINCT ON (pair.rule_id, pair.about, pair.period) pair.*
       FROM pair
      WHERE NOT pair.paused
        AND pair."end" > pair.since
        AND NOT {has_standing_firing("about")}
      ORDER BY pair.rule_id, pair.about, pair.period, pair.start, pair.significance DESC, pair.place
), result AS (
     SELECT 'corrected' AS kind, firing_id AS corrects, rule_id, user_id, ticker, start, "end", session, period, round,
            condition, NULL::integer AS revision, NULL AS source, NULL::numeric AS price, NULL::numeric AS value,
            NULL::numeric AS bound, NULL AS detail
       FROM undone
      UNION ALL
     SELECT 'fired', NULL, rule_id, user_id, about, start, "end", session, period,
            {count_corrections("about")},
            {CONDITION}, NULL, NULL, NULL, significance, NULL, insight
       FROM fresh
)
{AS_JSON}"""  # noqa: S608  made of parts of statements alone


async def evaluate_insights(connection: AsyncConnection, first: datetime, now: datetime) -> EvaluationResults:
    """Evaluate the hours that start at *first* or later: insights fire, and a rewritten hour may revoke a firing."""
    cursor = await connection.execute(EVALUATE_INSIGHTS, {"now": now, "first": first, "late": LATE})
    return as_results(await cursor.fetchone())
