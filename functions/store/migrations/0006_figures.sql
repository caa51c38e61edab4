-- What those who run this watch. Functions sleep and die, so nothing is counted in a process: it is counted in the
-- transaction that does it, or is a row already.

CREATE TABLE store_totals (
    source    text   PRIMARY KEY,
    events    bigint NOT NULL,
    inserted  bigint NOT NULL,
    revised   bigint NOT NULL,
    unchanged bigint NOT NULL,
    rejected  bigint NOT NULL
);
COMMENT ON TABLE store_totals IS 'What came of all bars of a source since the first; an event that comes twice is counted twice';

CREATE FUNCTION figures_at(instant timestamptz)
    RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE sql STABLE
BEGIN ATOMIC
WITH slot AS (
     SELECT grid.start, least(grid.start + interval '1 hour', session.closes) AS "end"
       FROM (SELECT opens, closes FROM sessions WHERE opens < instant ORDER BY opens DESC LIMIT 2) AS session
      CROSS JOIN generate_series(session.opens, session.closes - interval '1 second', interval '1 hour') AS grid (start)
      WHERE least(grid.start + interval '1 hour', session.closes) <= instant
      ORDER BY grid.start DESC
      LIMIT 1
), lacking AS (
     SELECT ticker.ticker, slot."end"
       FROM tickers AS ticker
      CROSS JOIN slot
       LEFT JOIN asked_windows AS asked
              ON asked.ticker = ticker.ticker
             AND asked.interval = '1h'
      WHERE ticker.active
        AND NOT coalesce(asked.settled @> slot.start, false)
        AND NOT EXISTS (SELECT
                          FROM bars AS bar
                         WHERE bar.ticker = ticker.ticker
                           AND bar.interval = '1h'
                           AND bar.start = slot.start)
)
SELECT 'stocksalot_ingest_lag_seconds', '{}'::jsonb,
       coalesce((SELECT date_part('epoch', instant - max(lacking."end")) FROM lacking), 0)
 UNION ALL
SELECT 'stocksalot_tickers_behind', '{}', (SELECT count(*) FROM lacking)
 UNION ALL
SELECT 'stocksalot_tickers', '{}', (SELECT count(*) FROM tickers WHERE active)
 UNION ALL
SELECT 'stocksalot_newest_bar_end_timestamp_seconds', '{}', date_part('epoch', max(bar."end"))
  FROM newest_bars AS bar
HAVING count(*) > 0
 UNION ALL
SELECT 'stocksalot_provider_answered_timestamp_seconds', '{}', date_part('epoch', max(asked_at))
  FROM asked_windows
HAVING count(*) > 0
 UNION ALL
SELECT 'stocksalot_bars_total', jsonb_build_object('source', total.source, 'outcome', came.outcome), came.bars
  FROM store_totals AS total
 CROSS JOIN LATERAL (VALUES ('inserted', total.inserted), ('revised', total.revised), ('unchanged', total.unchanged),
                            ('rejected', total.rejected)) AS came (outcome, bars)
 UNION ALL
SELECT 'stocksalot_events_total', jsonb_build_object('source', source), events
  FROM store_totals
 UNION ALL
SELECT 'stocksalot_rejected_bars', jsonb_build_object('reason', reason), count(*)
  FROM rejected_bars
 GROUP BY reason
 UNION ALL
SELECT 'stocksalot_dead_letters', '{}', (SELECT count(*) FROM dead_letters)
 UNION ALL
SELECT 'stocksalot_dead_letters_by_type', jsonb_build_object('type', type), count(*)
  FROM dead_letters
 GROUP BY type
 UNION ALL
SELECT 'stocksalot_insight_hours_total', jsonb_build_object('generator', generator), count(*)
  FROM insight_hours
 GROUP BY generator
 UNION ALL
SELECT 'stocksalot_insight_verdicts_total',
       jsonb_build_object('outcome', CASE verdict ->> 'outcome' WHEN 'answered' THEN 'answered' ELSE 'failed' END),
       count(*)
  FROM insight_hours
 CROSS JOIN jsonb_array_elements(verdicts) AS verdict
 GROUP BY 2
 UNION ALL
SELECT 'stocksalot_insights_told_timestamp_seconds', '{}', date_part('epoch', max("end"))
  FROM insight_hours
HAVING count(*) > 0
 UNION ALL
SELECT 'stocksalot_sessions_end_timestamp_seconds', '{}', date_part('epoch', max(closes))
  FROM sessions
HAVING count(*) > 0
 UNION ALL
SELECT 'stocksalot_database_bytes', '{}', pg_database_size(current_database())
 UNION ALL
SELECT 'stocksalot_database_connections', '{}', count(*)
  FROM pg_stat_activity
 WHERE datname = current_database();
END;
COMMENT ON FUNCTION figures_at IS 'What /metrics of store tells, by the names that Prometheus knows it by';
