"""Evaluation of the rules about bars, in one statement: new firings, and corrections of those that no longer hold."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import LiteralString

from psycopg import AsyncConnection

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

LATE = timedelta(days=7)
"""Bars that ended earlier are no longer evaluated: their alerts would come too late to be of use."""
_RECENT = timedelta(hours=3)
"""An event's bars are evaluated from the first one that changed within this time; hourly ticks evaluate all.

An event has the ten bars before the newest, most of them unchanged.
"""
_EVER = datetime(1900, 1, 1, tzinfo=UTC)

EVALUATE_BARS: LiteralString = f"""
WITH rule AS MATERIALIZED (
     SELECT rule.*, CASE WHEN known.active THEN rule.ticker ELSE coalesce(known.renamed_to, rule.ticker) END AS subject
       FROM alert_rules AS rule
       LEFT JOIN tickers AS known USING (ticker)
      WHERE rule.kind IN ('price', 'change', 'volume', 'extreme')
), member AS MATERIALIZED (
     {MEMBERS}
), needed AS MATERIALIZED (
     SELECT bool_or(kind = 'volume') AS volume,
            bool_or(kind = 'change' AND basis = 'previous_close') AS previous_close,
            bool_or(kind = 'change' AND basis = 'session_open') AS session_open,
            bool_or(kind = 'extreme' AND span = '20_sessions') AS sessions,
            bool_or(kind = 'extreme' AND span = '52_weeks') AS weeks
       FROM rule
), scaled AS MATERIALIZED (
     -- An amount in dollars is on the scale of shares of its time, the stored bars are on the newest.
     SELECT rule.rule_id, round(exp(sum(ln(split.old_shares / split.new_shares))), 10) AS factor
       FROM rule
       JOIN splits AS split ON split.ticker = rule.subject
                           AND split.state = 'applied'
                           AND split.starts_at > rule.stated_at
      WHERE rule.kind = 'price'
      GROUP BY rule.rule_id
), bar AS MATERIALIZED (
     SELECT hour.*
       FROM tickers AS asked
      CROSS JOIN LATERAL (SELECT min(start) AS first
                            FROM bars
                           WHERE bars.ticker = asked.ticker
                             AND bars.interval = '1h'
                             AND bars.start >= greatest(%(first)s, %(now)s - %(late)s)
                             AND coalesce(bars.served_at, bars.received_at) > %(changed)s) AS changed
      CROSS JOIN LATERAL (SELECT *
                            FROM hourly_bars
                           WHERE hourly_bars.ticker = asked.ticker
                             AND hourly_bars.start >= changed.first
                             AND hourly_bars.start <= %(now)s) AS hour
      WHERE asked.active
        AND (%(tickers)s::text[] IS NULL OR asked.ticker = ANY (%(tickers)s))
        AND hour."end" + %(grace)s <= %(now)s
        AND asked.ticker NOT IN (SELECT left_out_tickers.ticker FROM left_out_tickers)
), span AS MATERIALIZED (
     SELECT known.session,
            previous.opens + interval '1 hour' * (hours_of(previous.opens, previous.closes) - 1) AS previous_start,
            twenty.opens AS twenty_opens, year.opens AS year_opens
       FROM (SELECT DISTINCT bar.session, bar.opens FROM bar) AS known
       LEFT JOIN LATERAL (SELECT opens, closes
                            FROM sessions
                           WHERE sessions.opens < known.opens
                           ORDER BY sessions.opens DESC
                           LIMIT 1) AS previous ON true
       LEFT JOIN LATERAL (SELECT opens
                            FROM sessions
                           WHERE sessions.opens < known.opens
                           ORDER BY sessions.opens DESC
                          OFFSET 19
                           LIMIT 1) AS twenty ON true
       LEFT JOIN LATERAL (SELECT opens
                            FROM sessions
                           WHERE sessions.date > known.session - 364
                           ORDER BY sessions.date
                           LIMIT 1) AS year ON true
), figure AS MATERIALIZED (
     SELECT bar.*, before.close AS previous_close, opening.open AS session_open,
            traded.volume / nullif(usual.volume, 0) AS volume_ratio,
            sessions_high.is_new AS sessions_high, sessions_high.bound AS sessions_high_bound,
            sessions_low.is_new AS sessions_low, sessions_low.bound AS sessions_low_bound,
            weeks_high.is_new AS weeks_high, weeks_high.bound AS weeks_high_bound,
            weeks_low.is_new AS weeks_low, weeks_low.bound AS weeks_low_bound
       FROM bar
       JOIN span USING (session)
      CROSS JOIN needed
       LEFT JOIN LATERAL comparable_prices(bar.ticker, bar.source, span.previous_start) AS before
                 ON needed.previous_close
       LEFT JOIN LATERAL comparable_prices(bar.ticker, bar.source, bar.opens) AS opening ON needed.session_open
       LEFT JOIN LATERAL (SELECT CASE WHEN count(hour.volume) FILTER (WHERE hour.source = bar.source)
                                           = hours_of(bar.opens, bar."end") THEN sum(hour.volume) END AS volume
                            FROM bars AS hour
                           WHERE hour.ticker = bar.ticker
                             AND hour.interval = '1h'
                             AND hour.start BETWEEN bar.opens AND bar.start) AS traded ON needed.volume
       LEFT JOIN LATERAL (SELECT CASE WHEN found.sessions >= 5 THEN found.volume END AS volume
                            FROM usual_volume(bar.ticker, bar.source, bar.opens, bar.opens, bar.start, bar."end",
                                              hours_of(bar.opens, bar."end")) AS found) AS usual ON needed.volume
       LEFT JOIN LATERAL extreme_before(bar.ticker, bar.source, span.twenty_opens, bar.start, 'high', bar.high)
                 AS sessions_high ON needed.sessions AND span.twenty_opens IS NOT NULL
       LEFT JOIN LATERAL extreme_before(bar.ticker, bar.source, span.twenty_opens, bar.start, 'low', bar.low)
                 AS sessions_low ON needed.sessions AND span.twenty_opens IS NOT NULL
       LEFT JOIN LATERAL extreme_before(bar.ticker, bar.source, span.year_opens, bar.start, 'high', bar.high)
                 AS weeks_high ON needed.weeks AND span.year_opens IS NOT NULL
       LEFT JOIN LATERAL extreme_before(bar.ticker, bar.source, span.year_opens, bar.start, 'low', bar.low)
                 AS weeks_low ON needed.weeks AND span.year_opens IS NOT NULL
), prior AS MATERIALIZED (
     SELECT firing.*
       FROM alert_firings AS firing
       JOIN rule USING (rule_id)
      WHERE firing.standing
        AND firing.start >= greatest(%(first)s, %(now)s - %(late)s)
        AND (%(tickers)s::text[] IS NULL OR firing.ticker = ANY (%(tickers)s))
), pair AS MATERIALIZED (
     -- Conditions that hold, and those of prior firings.
     SELECT matched.*, {PERIOD} AS period, evaluated.*
       FROM (SELECT rule.rule_id, rule.user_id, rule.kind, rule.direction, rule.basis, rule.span, rule.amount,
                    rule.repeat, rule.paused, rule.since, figure.*
               FROM rule
               JOIN figure ON figure.ticker = rule.subject
              UNION ALL
             SELECT rule.rule_id, rule.user_id, rule.kind, rule.direction, rule.basis, rule.span, rule.amount,
                    rule.repeat, rule.paused, rule.since, figure.*
               FROM rule
              CROSS JOIN figure
              WHERE rule.subject IS NULL
                AND rule.list_id IS NULL
              UNION ALL
             SELECT rule.rule_id, rule.user_id, rule.kind, rule.direction, rule.basis, rule.span, rule.amount,
                    rule.repeat, rule.paused, rule.since, figure.*
               FROM rule
               JOIN member USING (rule_id)
               JOIN figure ON figure.ticker = member.subject) AS matched
       LEFT JOIN scaled USING (rule_id)
      CROSS JOIN LATERAL (
            SELECT CASE matched.kind
                   WHEN 'price' THEN round(matched.amount * coalesce(scaled.factor, 1), 6)
                   WHEN 'change' THEN CASE matched.basis WHEN 'previous_close' THEN matched.previous_close
                                                         ELSE matched.session_open END
                   WHEN 'volume' THEN matched.amount
                   ELSE CASE matched.span || matched.direction
                        WHEN '20_sessionshigh' THEN matched.sessions_high_bound
                        WHEN '20_sessionslow' THEN matched.sessions_low_bound
                        WHEN '52_weekshigh' THEN matched.weeks_high_bound
                        ELSE matched.weeks_low_bound END
                   END AS bound) AS against
      CROSS JOIN LATERAL (
            SELECT CASE matched.kind
                   WHEN 'price' THEN matched.close
                   WHEN 'change' THEN (matched.close - against.bound) / against.bound * 100
                   WHEN 'volume' THEN matched.volume_ratio
                   ELSE CASE matched.direction WHEN 'high' THEN matched.high ELSE matched.low END
                   END AS value) AS found
      CROSS JOIN LATERAL (
            SELECT against.bound, found.value,
                   CASE matched.kind
                   WHEN 'price' THEN CASE matched.direction WHEN 'above' THEN found.value > against.bound
                                                            ELSE found.value < against.bound END
                   WHEN 'change' THEN CASE matched.direction WHEN 'up' THEN found.value >= matched.amount
                                                             WHEN 'down' THEN found.value <= -matched.amount
                                                             ELSE abs(found.value) >= matched.amount END
                   WHEN 'volume' THEN found.value >= matched.amount
                   ELSE CASE matched.span || matched.direction
                        WHEN '20_sessionshigh' THEN matched.sessions_high
                        WHEN '20_sessionslow' THEN matched.sessions_low
                        WHEN '52_weekshigh' THEN matched.weeks_high
                        ELSE matched.weeks_low END
                   END AS holds) AS evaluated
      WHERE evaluated.holds
         OR (matched.rule_id, matched.ticker, matched.start)
            IN (SELECT prior.rule_id, prior.ticker, prior.start FROM prior)
), undone AS (
     SELECT prior.firing_id, prior.rule_id, prior.user_id, prior.ticker, prior.start, prior."end", prior.session,
            prior.period, prior.round, prior.condition, pair.revision, pair.source, pair.close, pair.value, pair.bound
       FROM prior
       JOIN pair ON pair.rule_id = prior.rule_id AND pair.ticker = prior.ticker AND pair.start = prior.start
      WHERE NOT pair.holds
      UNION ALL
     -- Withdrawn since.
     SELECT prior.firing_id, prior.rule_id, prior.user_id, prior.ticker, prior.start, prior."end", prior.session,
            prior.period, prior.round, prior.condition, NULL, NULL, NULL, NULL, NULL
       FROM prior
      WHERE NOT EXISTS (SELECT
                          FROM bars AS stored
                         WHERE stored.ticker = prior.ticker
                           AND stored.interval = '1h'
                           AND stored.start = prior.start)
), fresh AS (
     SELECT DISTINCT ON (pair.rule_id, pair.ticker, pair.period) pair.*
       FROM pair
      WHERE pair.holds
        AND NOT pair.paused
        AND pair."end" > pair.since
        AND NOT {has_standing_firing("ticker")}
      ORDER BY pair.rule_id, pair.ticker, pair.period, pair.start
), result AS (
     SELECT 'corrected' AS kind, firing_id AS corrects, rule_id, user_id, ticker, start, "end", session, period, round,
            condition, revision, source, close AS price, value, bound, NULL AS detail
       FROM undone
      UNION ALL
     SELECT 'fired', NULL, rule_id, user_id, ticker, start, "end", session, period,
            {count_corrections("ticker")},
            {CONDITION}, revision, source, close, round(value, 6), bound, NULL
       FROM fresh
)
{AS_JSON}"""  # noqa: S608  made of parts of statements alone


async def evaluate_bars(
    connection: AsyncConnection, tickers: Sequence[str] | None, first: datetime, now: datetime, grace: timedelta
) -> EvaluationResults:
    """Evaluate the final bars of *tickers*, from the first recently changed one that starts at *first* or later.

    With None for the tickers all bars of all are evaluated. Bars are read as they are stored now, so that events
    may come late, twice and in any order.
    """
    cursor = await connection.execute(
        EVALUATE_BARS,
        {
            "tickers": None if tickers is None else list(tickers),
            "first": first,
            "changed": _EVER if tickers is None else now - _RECENT,
            "now": now,
            "grace": grace,
            "late": LATE,
        },
    )
    return as_results(await cursor.fetchone())
