-- An operator can withdraw the bars of a source. Nothing is deleted without trace, and as_of still reads what was known.

CREATE TABLE withdrawals (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text        NOT NULL,
    tickers      text[]      NOT NULL,
    first        timestamptz,
    "end"        timestamptz,
    reason       text        NOT NULL,
    withdrawn_at timestamptz NOT NULL
);
COMMENT ON TABLE withdrawals IS 'What an operator withdrew, and why';

CREATE TABLE withdrawn_bars (
    withdrawal   bigint      NOT NULL REFERENCES withdrawals,
    ticker       text        NOT NULL,
    interval     text        NOT NULL,
    start        timestamptz NOT NULL,
    revision     integer     NOT NULL,
    open         numeric     NOT NULL,
    high         numeric     NOT NULL,
    low          numeric     NOT NULL,
    close        numeric     NOT NULL,
    volume       bigint,
    source       text        NOT NULL,
    received_at  timestamptz NOT NULL,
    seen_at      timestamptz,
    withdrawn_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, interval, start, revision, withdrawal)
);
COMMENT ON TABLE withdrawn_bars IS 'Versions of bars that were withdrawn, with the number that each had';

CREATE FUNCTION bars_standing_at(instant timestamptz)
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
COMMENT ON FUNCTION bars_standing_at IS 'As bars_known_at, without bars that were withdrawn since: what a scan in order can follow';

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

CREATE FUNCTION had_withdrawn_bars(of_ticker text, instant timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN instant IS NOT NULL AND EXISTS (SELECT
                                         FROM withdrawn_bars AS gone
                                        WHERE gone.ticker = of_ticker
                                          AND gone.withdrawn_at > instant);
COMMENT ON FUNCTION had_withdrawn_bars IS 'Whether bars of the ticker have been withdrawn since the instant';

-- Each branch walks the primary key from one bound; the last one, for a past that had bars which are withdrawn, sorts.
CREATE OR REPLACE FUNCTION hourly_bars_of(of_ticker text, first timestamptz, "end" timestamptz,
                                          from_newest boolean, most integer, known_at timestamptz)
    RETURNS TABLE (start timestamptz, open numeric, high numeric, low numeric, close numeric, volume bigint,
                   source text, revision integer)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
(SELECT bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision
   FROM bars_standing_at(known_at) AS bar
  WHERE NOT from_newest
    AND NOT (SELECT had_withdrawn_bars(of_ticker, known_at))
    AND bar.ticker = of_ticker
    AND bar.interval = '1h'
    AND bar.start >= coalesce(hourly_bars_of.first, '-infinity')
  ORDER BY bar.start
  LIMIT most)
UNION ALL
(SELECT bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision
   FROM bars_standing_at(known_at) AS bar
  WHERE from_newest
    AND NOT (SELECT had_withdrawn_bars(of_ticker, known_at))
    AND bar.ticker = of_ticker
    AND bar.interval = '1h'
    AND bar.start < coalesce(least(hourly_bars_of."end", known_at), 'infinity')
  ORDER BY bar.start DESC
  LIMIT most)
UNION ALL
(SELECT bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision
   FROM bars_known_at(known_at) AS bar
  WHERE (SELECT had_withdrawn_bars(of_ticker, known_at))
    AND bar.ticker = of_ticker
    AND bar.interval = '1h'
    AND CASE WHEN from_newest THEN bar.start < coalesce(least(hourly_bars_of."end", known_at), 'infinity')
             ELSE bar.start >= coalesce(hourly_bars_of.first, '-infinity') END
  ORDER BY CASE WHEN from_newest THEN -unix_seconds(bar.start) ELSE unix_seconds(bar.start) END
  LIMIT most);
END;

CREATE FUNCTION rejection_of(of_ticker text, slot_start timestamptz, slot_end timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT rejected.reason
  FROM rejected_bars AS rejected
 WHERE rejected.ticker = of_ticker
   AND rejected.interval = '1h'
   AND rejected.start > slot_start - interval '15 hours'
   AND rejected.start < slot_start + interval '15 hours'
   AND (rejected.start = slot_start
     OR (rejected.reason = 'off-grid'
         AND rejected.start > slot_start - interval '1 hour'
         AND rejected.start < slot_end)
     OR rejected.reason IN ('clock-doubtful', 'named-by-end', 'spacing'))
 ORDER BY rejected.start = slot_start DESC, rejected.received_at DESC, rejected.id DESC
 LIMIT 1;
END;
COMMENT ON FUNCTION rejection_of IS 'Why the hourly bar of that time was not stored, as coverage_of decides it; NULL where none was rejected';
CREATE INDEX rejected_bars_of_ticker ON rejected_bars (ticker, id);
