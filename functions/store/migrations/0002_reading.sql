-- What readers of market data ask for by name. Every lateral below is one probe of a primary key or of sessions.opens,
-- so that an answer takes as long with ten million bars as with a hundred thousand.

-- STABLE as what they call, and not STRICT: only so does Postgres put their bodies in place of the calls.
CREATE FUNCTION rfc3339(instant timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
COMMENT ON FUNCTION rfc3339 IS 'An instant as all answers write it: UTC, whole seconds';

CREATE FUNCTION unix_seconds(instant timestamptz) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN floor(extract(epoch FROM instant))::bigint;

CREATE FUNCTION hours_of(opens timestamptz, closes timestamptz) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ceil(date_part('epoch', closes - opens) / 3600)::integer;
COMMENT ON FUNCTION hours_of IS 'How many hourly bars a session has, the last of which may be shorter';

CREATE VIEW hourly_bars AS
SELECT bar.ticker, bar.start, least(bar.start + interval '1 hour', session.closes) AS "end",
       bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source, bar.revision, bar.received_at,
       session.date AS session, session.opens, session.closes
  FROM bars AS bar
  LEFT JOIN LATERAL (SELECT date, opens, closes
                       FROM sessions
                      WHERE sessions.opens <= bar.start
                      ORDER BY sessions.opens DESC
                      LIMIT 1) AS session ON true
 WHERE bar.interval = '1h';
COMMENT ON VIEW hourly_bars IS 'The hourly bars, each with its end and its session';

CREATE VIEW profiles AS
SELECT ticker.ticker, coalesce(company.name, ticker.name) AS name, company.exchange, company.industry, company.country,
       company.currency, company.ipo, company.website, company.logo, company.phone,
       company.market_cap_millions, company.shares_millions,
       company.market_cap_millions AS market_cap, company.shares_millions AS num_shares,
       company.source, rfc3339(company.fetched_at) AS fetched_at, ticker.active
  FROM tickers AS ticker
  LEFT JOIN companies AS company USING (ticker);
COMMENT ON COLUMN profiles.market_cap IS 'In millions, as the first system named it';
COMMENT ON COLUMN profiles.num_shares IS 'In millions, as the first system named it';

CREATE VIEW newest_bars AS
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
                      ORDER BY hourly_bars.start DESC
                      LIMIT 1) AS previous ON true
 WHERE ticker.active;
COMMENT ON VIEW newest_bars IS 'Each active ticker''s own newest hourly bar, beside the close of the session before it';
COMMENT ON COLUMN newest_bars.previous_close IS 'NULL unless the very last bar of that session is stored';

-- A function and not a view, because the periods must be put in order before their bars are looked up: only then does
-- the limit leave the rest of the history alone. No period is longer than 31 days.
CREATE FUNCTION derived_bars(of_ticker text, unit text, first timestamptz, "end" timestamptz,
                             from_newest boolean, most integer)
    RETURNS TABLE (date date, opens timestamptz, closes timestamptz, sessions integer, bars_expected integer,
                   bars integer, open numeric, high numeric, low numeric, close numeric, volume numeric,
                   sources text, newest timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
WITH history AS (
     SELECT (SELECT start FROM bars WHERE ticker = of_ticker AND interval = '1h' ORDER BY start LIMIT 1) AS oldest,
            (SELECT start FROM bars WHERE ticker = of_ticker AND interval = '1h' ORDER BY start DESC LIMIT 1) AS newest
), period AS (
     SELECT date_trunc(unit, session.date::timestamp)::date AS date,
            min(session.opens) AS opens,
            max(session.closes) AS closes
       FROM sessions AS session
       JOIN history ON session.opens > greatest(history.oldest, derived_bars.first) - interval '32 days'
                   AND session.opens < least(history.newest, derived_bars."end") + interval '32 days'
      GROUP BY 1
     HAVING min(session.opens) >= coalesce(derived_bars.first, '-infinity')
        AND min(session.opens) < coalesce(derived_bars."end", 'infinity')
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
                       FROM bars AS bar
                      WHERE bar.ticker = of_ticker
                        AND bar.interval = '1h'
                        AND bar.start >= period.opens
                        AND bar.start < period.closes) AS made
 WHERE made.bars > 0
 ORDER BY period.place
 LIMIT most;
END;
COMMENT ON FUNCTION derived_bars IS 'Bars of a day, week or month, each made of the stored hourly bars of its whole sessions';

CREATE VIEW mover_figures AS
SELECT bar.*, basis.name AS basis,
       against.start AS basis_start, price.at AS basis_at, price.usd AS basis_price,
       (bar.close - price.usd) / price.usd * 100 AS change_percent,
       CASE WHEN traded.bars = span.hours THEN (traded.high - traded.low) / price.usd * 100 END AS range_percent,
       CASE WHEN usual.sessions >= 5 THEN traded.volume / nullif(usual.volume, 0) END AS volume_ratio,
       bar.open - against.open AS open_delta, bar.high - against.high AS high_delta, bar.low - against.low AS low_delta,
       bar.close - against.close AS close_delta, bar.volume - against.volume AS volume_delta,
       span.first AS window_start, span.hours AS window_bars_expected, traded.bars AS window_bars,
       traded.high AS window_high, traded.low AS window_low, traded.volume AS window_volume,
       usual.sessions AS usual_sessions, usual.volume AS usual_volume
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
                        AND hour.start = wanted.start) AS against ON true
 CROSS JOIN LATERAL (SELECT CASE basis.name WHEN 'session_open' THEN against.start ELSE against."end" END AS at,
                            CASE basis.name WHEN 'session_open' THEN against.open ELSE against.close END AS usd) AS price
 CROSS JOIN LATERAL (SELECT count(*) AS bars, max(hour.high) AS high, min(hour.low) AS low,
                            CASE WHEN count(hour.volume) = span.hours THEN sum(hour.volume) END AS volume
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
                            HAVING count(hour.volume) = span.hours) AS day
                      WHERE session.opens + (bar."end" - bar.opens) <= session.closes) AS usual;
COMMENT ON VIEW mover_figures IS 'Each active ticker''s newest bar against each basis; NULL where a bar that it takes is not stored';
COMMENT ON COLUMN mover_figures.window_start IS 'The window that volume and range are of: the session so far, or the newest bar alone';
COMMENT ON COLUMN mover_figures.volume_ratio IS 'NULL unless five sessions are whole';
COMMENT ON COLUMN mover_figures.usual_volume IS 'Average over the same hours of those of the 20 sessions before that are whole';

CREATE VIEW movers AS
SELECT figure.ticker, figure.basis, figure.start, figure."end", figure.source,
       figure.change_percent, figure.range_percent, figure.volume_ratio, figure.window_volume,
       figure.start = max(figure.start) OVER (PARTITION BY figure.basis) AS is_newest,
       to_json(profile) AS profile,
       to_json(bar) AS current_metrics,
       to_json(delta) AS metric_deltas,
       figure.close_delta AS change,
       rfc3339(figure.basis_start) AS basis_datetime,
       rfc3339(figure.basis_at) AS basis_at,
       figure.basis_price,
       to_json(span) AS "window"
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
                            round(figure.volume_ratio, 4) AS volume_ratio) AS span;
COMMENT ON VIEW movers IS 'mover_figures as an answer shows them';

CREATE FUNCTION coverage_of(of_opens timestamptz[], of_tickers text[], finished timestamptz)
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
                            AND rejected.start = slot.start) THEN 'rejected'
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
COMMENT ON FUNCTION coverage_of IS 'Each finished hourly bar that the sessions call for, and whether it is stored or why not';

-- For /status, which counts those of the last day.
CREATE INDEX rejected_bars_received_at ON rejected_bars (received_at);
