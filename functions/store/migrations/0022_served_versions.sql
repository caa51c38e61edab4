-- as_of reads what was served at an instant, whatever arrived since: versions are numbered in the order in which they were
-- served, and bear when that began. What was outranked when it arrived was never served: it has a number below 0.

ALTER TABLE bars ADD COLUMN served_at timestamptz;
ALTER TABLE bar_revisions ADD COLUMN served_at timestamptz;
ALTER TABLE withdrawn_bars ADD COLUMN served_at timestamptz;
COMMENT ON COLUMN bars.revision IS 'How many versions were served before this one';
COMMENT ON COLUMN bars.received_at IS 'When the source first gave this version';
COMMENT ON COLUMN bars.served_at IS 'Since when this version is served; NULL: since received_at';
COMMENT ON TABLE bar_revisions IS 'Versions of a bar that were served before, and those that were outranked when they arrived';
COMMENT ON COLUMN bar_revisions.revision IS 'In the order in which they were served; below 0: never served';
COMMENT ON COLUMN bar_revisions.superseded_at IS 'Until when it was served; received_at where it never was';

CREATE OR REPLACE FUNCTION bars_standing_at(instant timestamptz)
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
  LEFT JOIN LATERAL (SELECT revised.start, revised.open, revised.high, revised.low, revised.close, revised.volume,
                            revised.source, revised.revision
                       FROM bar_revisions AS revised
                      WHERE coalesce(bar.served_at, bar.received_at) > instant
                        AND bar.revision > 0
                        AND revised.ticker = bar.ticker
                        AND revised.interval = bar.interval
                        AND revised.start = bar.start
                        AND revised.revision >= 0
                        AND coalesce(revised.served_at, revised.received_at) <= instant
                      ORDER BY revised.revision DESC
                      LIMIT 1) AS past ON true
 WHERE instant IS NULL
    OR coalesce(bar.served_at, bar.received_at) <= instant
    OR past.start IS NOT NULL;
END;

CREATE OR REPLACE FUNCTION bars_known_at(instant timestamptz)
    RETURNS TABLE (ticker text, "interval" text, start timestamptz, open numeric, high numeric, low numeric,
                   close numeric, volume bigint, source text, revision integer)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT standing.*
  FROM bars_standing_at(instant) AS standing
 WHERE instant IS NULL
    OR NOT EXISTS (SELECT
                     FROM withdrawn_bars AS gone
                    WHERE gone.ticker = standing.ticker
                      AND gone.interval = standing.interval
                      AND gone.start = standing.start
                      AND coalesce(gone.served_at, gone.received_at) <= instant
                      AND gone.withdrawn_at > instant
                      AND gone.revision > standing.revision)
 UNION ALL
SELECT gone.ticker, gone.interval, gone.start, gone.open, gone.high, gone.low, gone.close, gone.volume, gone.source,
       gone.revision
  FROM withdrawn_bars AS gone
 WHERE gone.revision >= 0
   AND coalesce(gone.served_at, gone.received_at) <= instant
   AND gone.withdrawn_at > instant
   AND NOT EXISTS (SELECT
                     FROM withdrawn_bars AS other
                    WHERE other.ticker = gone.ticker
                      AND other.interval = gone.interval
                      AND other.start = gone.start
                      AND coalesce(other.served_at, other.received_at) <= instant
                      AND other.withdrawn_at > instant
                      AND other.revision > gone.revision)
   AND NOT EXISTS (SELECT
                     FROM bars_standing_at(instant) AS standing
                    WHERE standing.ticker = gone.ticker
                      AND standing.interval = gone.interval
                      AND standing.start = gone.start
                      AND standing.revision > gone.revision);
END;

ALTER TABLE bars DROP COLUMN first_source, DROP COLUMN source_since;
ALTER TABLE bar_revisions DROP COLUMN first_source, DROP COLUMN source_since;
