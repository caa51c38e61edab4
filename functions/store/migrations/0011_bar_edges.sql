-- Bars that were sent and not stored leave a trace, and a moment's absence is not for ever.

-- A bar whose time cannot be read has none.
ALTER TABLE rejected_bars ALTER COLUMN start DROP NOT NULL;
CREATE UNIQUE INDEX rejected_bars_without_start ON rejected_bars (ticker, interval, reason, digest) WHERE start IS NULL;
COMMENT ON COLUMN rejected_bars.bar IS 'The figures as they came; text: the bar as the source wrote it, where a figure or its time could not be read';

ALTER TABLE asked_windows
    ADD COLUMN failures      integer NOT NULL DEFAULT 0,
    ADD COLUMN failure       text,
    ADD COLUMN retry_at      timestamptz,
    ADD COLUMN rechecks      integer NOT NULL DEFAULT 0,
    ADD COLUMN recheck_at    timestamptz,
    ADD COLUMN configuration text;
COMMENT ON COLUMN asked_windows.failures IS 'How often in a row every provider failed to serve this ticker';
COMMENT ON COLUMN asked_windows.retry_at IS 'Ticks of the schedule leave the ticker out until then';
COMMENT ON COLUMN asked_windows.recheck_at IS 'A bar is absent in settled: from then on it is asked for again. NULL: none is absent';
COMMENT ON COLUMN asked_windows.configuration IS 'Digest of the providers and files that were asked; others are asked again';

-- As in 0002; a bar beside the grid, or of a week with another clock, explains the bars that are missing around it.
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
