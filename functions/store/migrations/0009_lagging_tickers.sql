-- One definition of a ticker that lags, for /status, /metrics and the extension hourcomplete. /metrics did not know the
-- grace time, and counted all tickers right after each hour.

CREATE FUNCTION last_finished_bar(instant timestamptz, grace interval)
    RETURNS TABLE (start timestamptz, "end" timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT grid.start, least(grid.start + interval '1 hour', session.closes) AS "end"
  FROM (SELECT opens, closes FROM sessions WHERE opens < instant ORDER BY opens DESC LIMIT 2) AS session
 CROSS JOIN generate_series(session.opens, session.closes - interval '1 second', interval '1 hour') AS grid (start)
 WHERE least(grid.start + interval '1 hour', session.closes) + grace <= instant
 ORDER BY grid.start DESC
 LIMIT 1;
END;
COMMENT ON FUNCTION last_finished_bar IS 'The newest hourly bar that ended grace before the instant or earlier';

CREATE FUNCTION lagging_tickers(bar_start timestamptz)
    RETURNS TABLE (ticker text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
SELECT ticker.ticker
  FROM tickers AS ticker
  LEFT JOIN asked_windows AS asked
         ON asked.ticker = ticker.ticker
        AND asked.interval = '1h'
 WHERE ticker.active
   AND NOT coalesce(asked.settled @> bar_start, false)
   AND NOT EXISTS (SELECT
                     FROM bars AS bar
                    WHERE bar.ticker = ticker.ticker
                      AND bar.interval = '1h'
                      AND bar.start = bar_start);
END;
COMMENT ON FUNCTION lagging_tickers IS 'Active tickers without the hourly bar of that start, which a provider may still have';

DROP FUNCTION figures_at(timestamptz);
CREATE FUNCTION figures_at(instant timestamptz, grace interval)
    RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE sql STABLE
BEGIN ATOMIC
WITH lagging AS (
     SELECT bar."end"
       FROM last_finished_bar(instant, grace) AS bar
      CROSS JOIN lagging_tickers(bar.start)
)
SELECT 'stocksalot_ingest_lag_seconds', '{}'::jsonb,
       coalesce((SELECT date_part('epoch', instant - max(lagging."end")) FROM lagging), 0)
 UNION ALL
SELECT 'stocksalot_tickers_behind', '{}', (SELECT count(*) FROM lagging)
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
COMMENT ON FUNCTION figures_at IS 'The figures of /metrics, by their names in Prometheus';
