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
    RETURN ceil(extract(epoch FROM closes - opens) / 3600)::integer;
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
     SELECT min(start) AS oldest, max(start) AS newest
       FROM bars
      WHERE ticker = of_ticker
        AND interval = '1h'
), period AS (
     SELECT date_trunc(unit, session.date::timestamp)::date AS date,
            min(session.opens) AS opens,
            max(session.closes) AS closes,
            count(*)::integer AS sessions,
            sum(hours_of(session.opens, session.closes))::integer AS hours
       FROM sessions AS session
       JOIN history ON session.opens > greatest(history.oldest, derived_bars.first) - interval '32 days'
                   AND session.opens < least(history.newest, derived_bars."end") + interval '32 days'
      GROUP BY 1
     HAVING min(session.opens) >= coalesce(derived_bars.first, '-infinity')
        AND min(session.opens) < coalesce(derived_bars."end", 'infinity')
)
SELECT period.date, period.opens, period.closes, period.sessions, period.hours, made.bars,
       made.open, made.high, made.low, made.close, made.volume, made.sources, made.newest
  FROM (SELECT period.*,
               CASE WHEN from_newest THEN -unix_seconds(opens) ELSE unix_seconds(opens) END AS place
          FROM period
         ORDER BY place) AS period
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
