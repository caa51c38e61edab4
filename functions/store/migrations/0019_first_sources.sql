-- A version that several sources gave names the most trusted of them. For as_of it also says which gave it first, and since
-- when the other did: a past instant must not name a source that had not answered yet.

ALTER TABLE bars ADD COLUMN first_source text, ADD COLUMN source_since timestamptz;
ALTER TABLE bar_revisions ADD COLUMN first_source text, ADD COLUMN source_since timestamptz;
COMMENT ON COLUMN bars.first_source IS 'The source that gave this revision at received_at, where source gave it later; NULL: source did';
COMMENT ON COLUMN bars.source_since IS 'When source first gave this revision; NULL: at received_at';

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
       CASE WHEN past.start IS NOT NULL THEN CASE WHEN past.source_since > instant THEN past.first_source ELSE past.source END
            WHEN bar.source_since > instant THEN bar.first_source
            ELSE bar.source
       END,
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

CREATE OR REPLACE FUNCTION bars_known_at(instant timestamptz)
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
       CASE WHEN past.start IS NOT NULL THEN CASE WHEN past.source_since > instant THEN past.first_source ELSE past.source END
            WHEN bar.source_since > instant THEN bar.first_source
            ELSE bar.source
       END,
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
    OR ((bar.received_at <= instant OR past.start IS NOT NULL)
        AND NOT EXISTS (SELECT
                          FROM withdrawn_bars AS gone
                         WHERE gone.ticker = bar.ticker
                           AND gone.interval = bar.interval
                           AND gone.start = bar.start
                           AND gone.received_at <= instant
                           AND gone.withdrawn_at > instant
                           AND gone.revision > CASE WHEN past.start IS NULL THEN bar.revision ELSE past.revision END))
 UNION ALL
SELECT gone.ticker, gone.interval, gone.start, gone.open, gone.high, gone.low, gone.close, gone.volume, gone.source,
       gone.revision
  FROM withdrawn_bars AS gone
 WHERE gone.received_at <= instant
   AND gone.withdrawn_at > instant
   AND NOT EXISTS (SELECT
                     FROM withdrawn_bars AS other
                    WHERE other.ticker = gone.ticker
                      AND other.interval = gone.interval
                      AND other.start = gone.start
                      AND other.received_at <= instant
                      AND other.withdrawn_at > instant
                      AND other.revision > gone.revision)
   AND NOT EXISTS (SELECT
                     FROM bars AS bar
                    WHERE bar.ticker = gone.ticker
                      AND bar.interval = gone.interval
                      AND bar.start = gone.start
                      AND bar.received_at <= instant
                      AND bar.revision > gone.revision)
   AND NOT EXISTS (SELECT
                     FROM bar_revisions AS past
                    WHERE past.ticker = gone.ticker
                      AND past.interval = gone.interval
                      AND past.start = gone.start
                      AND past.received_at <= instant
                      AND past.revision > gone.revision);
END;
