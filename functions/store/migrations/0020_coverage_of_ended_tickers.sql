-- As in 0011, but no bar is expected of a ticker after the day on which it was removed.

CREATE OR REPLACE FUNCTION coverage_of(of_opens timestamptz[], of_tickers text[], finished timestamptz)
    RETURNS TABLE (date date, opens timestamptz, closes timestamptz, ticker text, start timestamptz, "end" timestamptz,
                   state text, source text)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
SELECT session.date, session.opens, session.closes, slot.ticker, slot.start, slot."end",
       CASE WHEN bar.start IS NOT NULL THEN 'present'
            WHEN EXISTS (SELECT
                           FROM rejected_bars AS rejected
                          WHERE rejected.ticker = slot.ticker
                            AND rejected.interval = '1h'
                            AND rejected.start > slot.start - interval '15 hours'
                            AND rejected.start < slot.start + interval '15 hours'
                            AND (rejected.start = slot.start
                              OR (rejected.reason = 'off-grid'
                                  AND rejected.start > slot.start - interval '1 hour'
                                  AND rejected.start < slot."end")
                              OR rejected.reason IN ('clock-doubtful', 'named-by-end', 'spacing'))) THEN 'rejected'
            WHEN asked.settled @> slot.start THEN 'none_at_provider'
            WHEN slot.start IS NOT NULL THEN 'not_fetched' END AS state,
       bar.source
  FROM sessions AS session
  LEFT JOIN LATERAL (SELECT name.ticker, grid.start, least(grid.start + interval '1 hour', session.closes) AS "end"
                       FROM unnest(of_tickers) AS name (ticker)
                       JOIN tickers AS known
                         ON known.ticker = name.ticker
                        AND session.date <= coalesce(known.ended_on, 'infinity')
                      CROSS JOIN generate_series(session.opens, session.closes - interval '1 second', interval '1 hour')
                                     AS grid (start)
                      WHERE least(grid.start + interval '1 hour', session.closes) <= finished) AS slot ON true
  -- The LIMIT keeps it to probes of the key: Postgres takes the grid for longer than it is.
  LEFT JOIN LATERAL (SELECT bars.start, bars.source
                       FROM bars
                      WHERE bars.ticker = slot.ticker
                        AND bars.interval = '1h'
                        AND bars.start = slot.start
                      LIMIT 1) AS bar ON true
  LEFT JOIN asked_windows AS asked
         ON asked.ticker = slot.ticker
        AND asked.interval = '1h'
 WHERE session.opens = ANY (of_opens);
END;
