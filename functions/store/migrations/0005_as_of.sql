-- Bars as they were known at an instant, made of bars and bar_revisions. NULL stands for now.

-- The versions of a bar rank by their number. What stood at an instant is the highest that had been fetched by then.
CREATE FUNCTION bars_known_at(instant timestamptz)
    RETURNS TABLE (ticker text, "interval" text, start timestamptz, open numeric, high numeric, low numeric,
                   close numeric, volume bigint, source text, revision integer)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT bar.ticker, bar.interval, bar.start,
       CASE WHEN past.start IS NULL THEN bar.open ELSE past.open END,
       CASE WHEN past.start IS NULL THEN bar.high ELSE past.high END,
       CASE WHEN past.start IS NULL THEN bar.low ELSE past.low END,
       CASE WHEN past.start IS NULL THEN bar.close ELSE past.close END,
       CASE WHEN past.start IS NULL THEN bar.volume ELSE past.volume END,
       CASE WHEN past.start IS NULL THEN bar.source ELSE past.source END,
       CASE WHEN past.start IS NULL THEN bar.revision ELSE past.revision END
  FROM bars AS bar
  LEFT JOIN LATERAL (SELECT bar_revisions.*
                       FROM bar_revisions
                      WHERE bar.received_at > instant
                        AND bar.revision > 0
                        AND bar_revisions.ticker = bar.ticker
                        AND bar_revisions.interval = bar.interval
                        AND bar_revisions.start = bar.start
                        AND bar_revisions.received_at <= instant
                      ORDER BY bar_revisions.revision DESC
                      LIMIT 1) AS past ON true
 WHERE instant IS NULL
    OR bar.received_at <= instant
    OR past.start IS NOT NULL;
END;
COMMENT ON FUNCTION bars_known_at IS 'Each bar as it stood at an instant; those not fetched by then are missing';

-- A function for the same reason as derived_bars. Each branch walks the primary key from one bound; the caller applies
-- the other: given both, Postgres takes the span for a short one, and sorts the whole history of a ticker.
CREATE FUNCTION hourly_bars_of(of_ticker text, first timestamptz, "end" timestamptz,
                               from_newest boolean, most integer, known_at timestamptz)
    RETURNS TABLE (start timestamptz, open numeric, high numeric, low numeric, close numeric, volume bigint,
                   source text, revision integer)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
(SELECT bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision
   FROM bars_known_at(known_at) AS bar
  WHERE NOT from_newest
    AND bar.ticker = of_ticker
    AND bar.interval = '1h'
    AND bar.start >= coalesce(hourly_bars_of.first, '-infinity')
  ORDER BY bar.start
  LIMIT most)
UNION ALL
(SELECT bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision
   FROM bars_known_at(known_at) AS bar
  WHERE from_newest
    AND bar.ticker = of_ticker
    AND bar.interval = '1h'
    AND bar.start < coalesce(least(hourly_bars_of."end", known_at), 'infinity')
  ORDER BY bar.start DESC
  LIMIT most);
END;
COMMENT ON FUNCTION hourly_bars_of IS 'The hourly bars of a ticker from one bound on, up to a number; the other bound is not applied';

DROP FUNCTION derived_bars(text, text, timestamptz, timestamptz, boolean, integer);

-- As in 0002, of the bars as they were known. The default lets copies of the version before go on asking. Of a long history
-- only as many sessions are put together as can be asked for: a session has seven hours at the most, a week 35, a month
-- 161. What was known then may lack any of them, so there all sessions are.
CREATE FUNCTION derived_bars(of_ticker text, unit text, first timestamptz, "end" timestamptz,
                             from_newest boolean, most integer, known_at timestamptz DEFAULT NULL)
    RETURNS TABLE (date date, opens timestamptz, closes timestamptz, sessions integer, bars_expected integer,
                   bars integer, open numeric, high numeric, low numeric, close numeric, volume numeric,
                   sources text, newest timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
WITH history AS (
     SELECT (SELECT start FROM bars WHERE ticker = of_ticker AND interval = '1h' ORDER BY start LIMIT 1) AS oldest,
            (SELECT start FROM bars WHERE ticker = of_ticker AND interval = '1h' ORDER BY start DESC LIMIT 1) AS newest,
            coalesce(least(derived_bars."end", known_at), 'infinity') AS "end"
), edge AS (
     SELECT CASE WHEN from_newest AND known_at IS NULL
                 THEN (SELECT start
                         FROM bars
                        WHERE ticker = of_ticker AND interval = '1h' AND start < history."end"
                        ORDER BY start DESC
                       OFFSET most * CASE unit WHEN 'day' THEN 7 WHEN 'week' THEN 35 ELSE 161 END
                        LIMIT 1)
            END AS oldest,
            CASE WHEN NOT from_newest AND known_at IS NULL
                 THEN (SELECT start
                         FROM bars
                        WHERE ticker = of_ticker AND interval = '1h'
                          AND start >= coalesce(derived_bars.first, '-infinity')
                        ORDER BY start
                       OFFSET most * CASE unit WHEN 'day' THEN 7 WHEN 'week' THEN 35 ELSE 161 END
                        LIMIT 1)
            END AS newest
       FROM history
), period AS (
     SELECT date_trunc(unit, session.date::timestamp)::date AS date,
            min(session.opens) AS opens,
            max(session.closes) AS closes
       FROM sessions AS session
      CROSS JOIN edge
       JOIN history ON session.opens > greatest(history.oldest, edge.oldest, derived_bars.first) - interval '32 days'
                   AND session.opens < least(history.newest, edge.newest, history."end") + interval '32 days'
      GROUP BY 1
     HAVING min(session.opens) >= coalesce(derived_bars.first, '-infinity')
        AND min(session.opens) < min(history."end")
        AND min(session.opens) <= min(history.newest)
)
SELECT period.date, period.opens, period.closes, called.sessions, called.hours, made.bars,
       made.open, made.high, made.low, made.close, made.volume, made.sources, made.newest
  FROM (SELECT period.*,
               CASE WHEN from_newest THEN -unix_seconds(opens) ELSE unix_seconds(opens) END AS place
          FROM period
         ORDER BY place) AS period
 CROSS JOIN LATERAL (SELECT count(*)::integer AS sessions,
                            sum(hours_of(session.opens, session.closes))::integer AS hours
                       FROM sessions AS session
                      WHERE session.opens >= period.opens
                        AND session.opens < period.closes) AS called
 CROSS JOIN LATERAL (SELECT count(*)::integer AS bars,
                            (array_agg(bar.open ORDER BY bar.start))[1] AS open,
                            max(bar.high) AS high,
                            min(bar.low) AS low,
                            (array_agg(bar.close ORDER BY bar.start DESC))[1] AS close,
                            CASE WHEN count(bar.volume) = count(*) THEN sum(bar.volume) END AS volume,
                            string_agg(DISTINCT bar.source, ',') AS sources,
                            max(bar.start) AS newest
                       FROM bars_known_at(known_at) AS bar
                      WHERE bar.ticker = of_ticker
                        AND bar.interval = '1h'
                        AND bar.start >= period.opens
                        AND bar.start < period.closes) AS made
 WHERE made.bars > 0
 ORDER BY period.place
 LIMIT most;
END;
COMMENT ON FUNCTION derived_bars IS 'Bars of a day, week or month, each made of the stored hourly bars of its whole sessions';
