-- A split changes the scale of all prices before it. Bars are stored on one scale, that of the newest bar; what they said
-- before is in bar_revisions.

CREATE TABLE splits (
    ticker       text        NOT NULL REFERENCES tickers,
    date         date        NOT NULL,
    starts_at    timestamptz NOT NULL,
    new_shares   numeric     NOT NULL CHECK (new_shares > 0),
    old_shares   numeric     NOT NULL CHECK (old_shares > 0),
    state        text        NOT NULL CHECK (state IN ('pending', 'suspected', 'applied', 'unconfirmed', 'refuted')),
    found        text        NOT NULL CHECK (found IN ('overlap', 'jump', 'stated')),
    source       text        NOT NULL,
    detail       text        NOT NULL,
    raw_sources  text[]      NOT NULL DEFAULT '{}',
    refetch_from timestamptz NOT NULL,
    found_at     timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    event_id     text,
    trace_id     text,
    PRIMARY KEY (ticker, date),
    CHECK (new_shares <> old_shares)
);
CREATE INDEX splits_waiting ON splits (ticker) WHERE state IN ('pending', 'suspected');
COMMENT ON TABLE splits IS 'Splits of shares, each once: new_shares for old_shares from the session of date on';
COMMENT ON COLUMN splits.starts_at IS 'Bars that start before it were traded on the old scale';
COMMENT ON COLUMN splits.state IS 'pending: the history is to be fetched again; suspected: the same, and the answer decides; applied: all bars are on the new scale; unconfirmed: a jump like that of a split, taken as news; refuted: no split';
COMMENT ON COLUMN splits.found IS 'overlap: a provider gave stored bars again on another scale; jump: prices jumped between two sessions; stated: by an operator';
COMMENT ON COLUMN splits.raw_sources IS 'Sources that give bars from before the split on the old scale: they are converted when they arrive';
COMMENT ON COLUMN splits.refetch_from IS 'Start of the bar from which the history is fetched again';

CREATE VIEW left_out_tickers AS
SELECT ticker, max(starts_at) AS starts_at, min(found_at) AS since,
       CASE WHEN bool_or(state = 'pending') THEN 'split' ELSE 'split-suspected' END AS reason,
       string_agg(format(CASE state
                         WHEN 'pending' THEN '%s split on %s: the history is being fetched again on the new scale.'
                         ELSE 'The price changed on %2$s as by a %1$s split: the history is being fetched again to find out.'
                         END, trim_scale(new_shares) || ':' || trim_scale(old_shares), date), ' ' ORDER BY date) AS detail
  FROM splits
 WHERE state IN ('pending', 'suspected')
 GROUP BY ticker;
COMMENT ON VIEW left_out_tickers IS 'Tickers whose stored bars are on two scales: no figure compares them until their history is replaced';

CREATE OR REPLACE VIEW newest_bars AS
SELECT ticker.ticker, ticker.name AS stored_company_name, bar.start, bar."end",
       bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision, bar.received_at,
       bar.session, bar.opens, bar.closes,
       previous_session.opens AS previous_opens, previous_session.closes AS previous_closes,
       previous.start AS previous_start, previous.close AS previous_close
  FROM tickers AS ticker
 CROSS JOIN LATERAL (SELECT *
                       FROM hourly_bars
                      WHERE hourly_bars.ticker = ticker.ticker
                      ORDER BY hourly_bars.start DESC
                      LIMIT 1) AS bar
  LEFT JOIN LATERAL (SELECT opens, closes
                       FROM sessions
                      WHERE sessions.opens < bar.opens
                      ORDER BY sessions.opens DESC
                      LIMIT 1) AS previous_session ON true
  LEFT JOIN LATERAL (SELECT start, close
                       FROM hourly_bars
                      WHERE hourly_bars.ticker = ticker.ticker
                        AND hourly_bars.start >= previous_session.closes - interval '1 hour'
                        AND hourly_bars.start < previous_session.closes
                        AND ticker.ticker NOT IN (SELECT left_out_tickers.ticker FROM left_out_tickers)
                      ORDER BY hourly_bars.start DESC
                      LIMIT 1) AS previous ON true
 WHERE ticker.active;
COMMENT ON COLUMN newest_bars.previous_close IS 'NULL unless the very last bar of that session is stored, on the same scale';

-- Two sources of one ticker are one series only where they gave the same prices for the same bars.
CREATE TABLE source_overlaps (
    ticker    text        NOT NULL REFERENCES tickers,
    source    text        NOT NULL,
    other     text        NOT NULL,
    bars      integer     NOT NULL,
    deviation numeric     NOT NULL,
    seen_at   timestamptz NOT NULL,
    PRIMARY KEY (ticker, source, other)
);
COMMENT ON TABLE source_overlaps IS 'What two sources gave for the same bars of a ticker when they last did';
COMMENT ON COLUMN source_overlaps.deviation IS 'The largest difference of two closes, as a part of the price';

CREATE FUNCTION is_comparable(of_ticker text, one text, two text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN one = two OR EXISTS (SELECT
                              FROM source_overlaps AS overlap
                             WHERE overlap.ticker = of_ticker
                               AND (overlap.source, overlap.other) IN ((one, two), (two, one))
                               AND overlap.deviation <= 0.005);
COMMENT ON FUNCTION is_comparable IS 'Whether prices of two sources can be compared: they differed by half a percent at most where both gave a bar';

CREATE OR REPLACE VIEW mover_figures AS
SELECT bar.*, basis.name AS basis,
       against.start AS basis_start, price.at AS basis_at, price.usd AS basis_price,
       (bar.close - price.usd) / price.usd * 100 AS change_percent,
       CASE WHEN traded.bars = span.hours AND traded.comparable = span.hours
            THEN (traded.high - traded.low) / price.usd * 100 END AS range_percent,
       CASE WHEN usual.sessions >= 5 THEN traded.volume / nullif(usual.volume, 0) END AS volume_ratio,
       bar.open - against.open AS open_delta, bar.high - against.high AS high_delta, bar.low - against.low AS low_delta,
       bar.close - against.close AS close_delta, bar.volume - against.volume AS volume_delta,
       span.first AS window_start, span.hours AS window_bars_expected, traded.bars AS window_bars,
       traded.high AS window_high, traded.low AS window_low, traded.volume AS window_volume,
       usual.sessions AS usual_sessions, usual.volume AS usual_volume,
       stored.start IS NOT NULL AND against.start IS NULL OR traded.comparable < traded.bars AS seam
  FROM newest_bars AS bar
 CROSS JOIN (VALUES ('previous_close'), ('previous_bar'), ('session_open')) AS basis (name)
 CROSS JOIN LATERAL (SELECT CASE WHEN basis.name = 'session_open' THEN bar.opens
                                 WHEN basis.name = 'previous_bar' AND bar.start > bar.opens
                                 THEN bar.start - interval '1 hour'
                                 ELSE bar.previous_start
                            END AS start) AS wanted
 CROSS JOIN LATERAL (SELECT CASE basis.name WHEN 'previous_bar' THEN bar.start ELSE bar.opens END AS first,
                            CASE basis.name WHEN 'previous_bar' THEN 1
                                            ELSE hours_of(bar.opens, bar."end") END AS hours) AS span
  LEFT JOIN LATERAL (SELECT hour.*
                       FROM hourly_bars AS hour
                      WHERE hour.ticker = bar.ticker
                        AND hour.start = wanted.start) AS stored ON true
  -- Where the sources cannot be compared: what the source of the newest bar said of the other bar, if it did.
  LEFT JOIN LATERAL (SELECT stored.start, stored."end", stored.open, stored.high, stored.low, stored.close, stored.volume
                      WHERE is_comparable(bar.ticker, bar.source, stored.source)
                      UNION ALL
                    (SELECT stored.start, stored."end", past.open, past.high, past.low, past.close, past.volume
                       FROM bar_revisions AS past
                      WHERE past.ticker = bar.ticker
                        AND past.interval = '1h'
                        AND past.start = stored.start
                        AND past.source = bar.source
                        AND NOT is_comparable(bar.ticker, bar.source, stored.source)
                      ORDER BY past.revision DESC
                      LIMIT 1)) AS against ON true
 CROSS JOIN LATERAL (SELECT CASE basis.name WHEN 'session_open' THEN against.start ELSE against."end" END AS at,
                            CASE basis.name WHEN 'session_open' THEN against.open ELSE against.close END AS usd) AS price
 CROSS JOIN LATERAL (SELECT count(*) AS bars, max(hour.high) AS high, min(hour.low) AS low,
                            CASE WHEN count(hour.volume) FILTER (WHERE hour.source = bar.source) = span.hours
                                 THEN sum(hour.volume) END AS volume,
                            count(*) FILTER (WHERE is_comparable(bar.ticker, bar.source, hour.source)) AS comparable
                       FROM bars AS hour
                      WHERE hour.ticker = bar.ticker
                        AND hour.interval = '1h'
                        AND hour.start BETWEEN span.first AND bar.start) AS traded
 CROSS JOIN LATERAL (SELECT count(*) AS sessions, avg(day.volume) AS volume
                       FROM (SELECT opens, closes
                               FROM sessions
                              WHERE sessions.opens < bar.opens
                              ORDER BY sessions.opens DESC
                              LIMIT 20) AS session
                      CROSS JOIN LATERAL (
                            SELECT sum(hour.volume) AS volume
                              FROM bars AS hour
                             WHERE hour.ticker = bar.ticker
                               AND hour.interval = '1h'
                               AND hour.start BETWEEN session.opens + (span.first - bar.opens)
                                                  AND session.opens + (bar.start - bar.opens)
                            HAVING count(hour.volume) FILTER (WHERE hour.source = bar.source) = span.hours) AS day
                      WHERE session.opens + (bar."end" - bar.opens) <= session.closes
                        AND bar.ticker NOT IN (SELECT left_out_tickers.ticker FROM left_out_tickers)) AS usual;
COMMENT ON VIEW mover_figures IS 'Each active ticker''s newest bar against each basis; NULL where a bar that it takes is not stored, on another scale or of another source';
COMMENT ON COLUMN mover_figures.volume_ratio IS 'NULL unless five sessions of the same source are whole';
COMMENT ON COLUMN mover_figures.seam IS 'Its bars come from two sources that gave different prices';

CREATE OR REPLACE VIEW movers AS
SELECT figure.ticker, figure.basis, figure.start, figure."end", figure.source,
       figure.change_percent, figure.range_percent, figure.volume_ratio, figure.window_volume,
       figure.start = max(figure.start) OVER (PARTITION BY figure.basis) AS is_newest,
       to_json(profile) AS profile,
       to_json(bar) AS current_metrics,
       to_json(delta) AS metric_deltas,
       figure.close - figure.basis_price AS change,
       rfc3339(figure.basis_start) AS basis_datetime,
       rfc3339(figure.basis_at) AS basis_at,
       figure.basis_price,
       to_json(span) AS "window",
       figure.seam
  FROM mover_figures AS figure
  JOIN profiles AS profile USING (ticker)
 CROSS JOIN LATERAL (SELECT rfc3339(figure.start) AS datetime, unix_seconds(figure.start) AS timestamp,
                            rfc3339(figure."end") AS "end", figure.open, figure.high, figure.low, figure.close,
                            figure.volume, figure.source) AS bar
 CROSS JOIN LATERAL (SELECT figure.open_delta AS open, figure.high_delta AS high, figure.low_delta AS low,
                            figure.close_delta AS close, figure.volume_delta AS volume) AS delta
 CROSS JOIN LATERAL (SELECT rfc3339(figure.window_start) AS start, rfc3339(figure."end") AS "end",
                            figure.window_bars AS bars, figure.window_bars_expected AS bars_expected,
                            figure.window_high AS high, figure.window_low AS low, figure.window_volume AS volume,
                            round(figure.range_percent, 4) AS range_percent,
                            round(figure.usual_volume, 0) AS usual_volume, figure.usual_sessions,
                            round(figure.volume_ratio, 4) AS volume_ratio) AS span
 WHERE figure.ticker NOT IN (SELECT left_out_tickers.ticker FROM left_out_tickers);
COMMENT ON VIEW movers IS 'mover_figures as a response shows them, without the tickers that are left out';
