-- The usual volumes are four fifths of the time that the figures of 10,000 tickers take. They are one row always, and Postgres
-- leaves out an outer join of which no column is read: who ranks by price does not pay for them. The view movers is unused
-- from this release on.
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
  LEFT JOIN LATERAL (SELECT count(*) AS sessions, avg(day.volume) AS volume
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
                        AND bar.ticker NOT IN (SELECT left_out_tickers.ticker FROM left_out_tickers)) AS usual ON true;
