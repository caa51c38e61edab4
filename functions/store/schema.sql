-- The schema after all migrations, for reading: `make schema` writes it. Nothing loads it but a test.

CREATE TABLE migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT migrations_pkey PRIMARY KEY (name)
);

CREATE TABLE sessions (
    date date NOT NULL,
    opens timestamp with time zone NOT NULL,
    closes timestamp with time zone NOT NULL,
    CONSTRAINT sessions_check CHECK ((opens < closes)),
    CONSTRAINT sessions_opens_key UNIQUE (opens),
    CONSTRAINT sessions_pkey PRIMARY KEY (date)
);

COMMENT ON TABLE sessions IS 'Trading days of the New York Stock Exchange; written by the migration';

CREATE TABLE tickers (
    ticker text NOT NULL,
    name text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    ended_on date,
    renamed_to text,
    CONSTRAINT tickers_pkey PRIMARY KEY (ticker),
    CONSTRAINT tickers_renamed_to_fkey FOREIGN KEY (renamed_to) REFERENCES tickers(ticker),
    CONSTRAINT tickers_ticker_check CHECK ((ticker ~ '^[A-Z][A-Z0-9.-]{0,14}$'::text))
);

COMMENT ON COLUMN tickers.active IS 'Fetched and shown; the bars of an inactive ticker are kept';

COMMENT ON COLUMN tickers.ended_on IS 'The day in New York on which it was removed from the list; null while it is active';

COMMENT ON COLUMN tickers.renamed_to IS 'The ticker that holds its history';

CREATE TABLE companies (
    ticker text NOT NULL,
    name text NOT NULL,
    exchange text,
    industry text,
    country text,
    currency text,
    ipo date,
    website text,
    logo text,
    phone text,
    market_cap_millions numeric,
    shares_millions numeric,
    source text NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    CONSTRAINT companies_pkey PRIMARY KEY (ticker),
    CONSTRAINT companies_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker)
);

CREATE TABLE bars (
    ticker text NOT NULL,
    "interval" text NOT NULL,
    start timestamp with time zone NOT NULL,
    open numeric NOT NULL,
    high numeric NOT NULL,
    low numeric NOT NULL,
    close numeric NOT NULL,
    volume bigint,
    source text NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    received_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone,
    served_at timestamp with time zone,
    CONSTRAINT bars_check CHECK ((((0)::numeric < low) AND (low <= LEAST(open, close)) AND (GREATEST(open, close) <= high))),
    CONSTRAINT bars_pkey PRIMARY KEY (ticker, "interval", start),
    CONSTRAINT bars_volume_check CHECK ((volume >= 0))
);

COMMENT ON COLUMN bars.volume IS 'NULL: the source had none';

COMMENT ON COLUMN bars.source IS 'The most trusted source that gave these values';

COMMENT ON COLUMN bars.revision IS 'Number of versions served before this one';

COMMENT ON COLUMN bars.received_at IS 'Time at which the source first gave this version';

COMMENT ON COLUMN bars.seen_at IS 'Time of the last fetch that gave the same values; NULL: none did. An older fetch that arrives late ranks below it';

COMMENT ON COLUMN bars.served_at IS 'Since when this version is served; NULL: since received_at';

CREATE TABLE bar_revisions (
    ticker text NOT NULL,
    "interval" text NOT NULL,
    start timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    open numeric NOT NULL,
    high numeric NOT NULL,
    low numeric NOT NULL,
    close numeric NOT NULL,
    volume bigint,
    source text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone,
    superseded_at timestamp with time zone NOT NULL,
    served_at timestamp with time zone,
    CONSTRAINT bar_revisions_pkey PRIMARY KEY (ticker, "interval", start, revision),
    CONSTRAINT bar_revisions_ticker_interval_start_fkey FOREIGN KEY (ticker, "interval", start) REFERENCES bars(ticker, "interval", start)
);

COMMENT ON TABLE bar_revisions IS 'Versions of a bar that were served before, and those that were outranked when they arrived';

COMMENT ON COLUMN bar_revisions.revision IS 'In the order in which they were served; below 0: never served';

COMMENT ON COLUMN bar_revisions.superseded_at IS 'End of the time in which it was served; received_at if it never was';

CREATE TABLE rejected_bars (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    ticker text NOT NULL,
    "interval" text NOT NULL,
    start timestamp with time zone,
    reason text NOT NULL,
    detail text NOT NULL DEFAULT ''::text,
    bar jsonb NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    trace_id text,
    received_at timestamp with time zone NOT NULL,
    digest text NOT NULL GENERATED ALWAYS AS (md5((bar)::text)) STORED,
    CONSTRAINT rejected_bars_pkey PRIMARY KEY (id),
    CONSTRAINT rejected_bars_ticker_interval_start_reason_digest_key UNIQUE (ticker, "interval", start, reason, digest)
);

COMMENT ON TABLE rejected_bars IS 'Rejected bars, each once, with the reason; the same bar sent again is the same row';

COMMENT ON COLUMN rejected_bars.reason IS 'A short stable code; detail says it for people, with figures';

COMMENT ON COLUMN rejected_bars.bar IS 'The figures as they came; text: the bar as the source wrote it, where a figure or its time could not be read';

CREATE TABLE asked_windows (
    ticker text NOT NULL,
    "interval" text NOT NULL,
    settled tstzmultirange NOT NULL DEFAULT '{}'::tstzmultirange,
    asked_at timestamp with time zone NOT NULL,
    trace_id text,
    failures integer NOT NULL DEFAULT 0,
    failure text,
    retry_at timestamp with time zone,
    rechecks integer NOT NULL DEFAULT 0,
    recheck_at timestamp with time zone,
    configuration text,
    CONSTRAINT asked_windows_pkey PRIMARY KEY (ticker, "interval"),
    CONSTRAINT asked_windows_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker)
);

COMMENT ON COLUMN asked_windows.settled IS 'Ranges requested late enough: a bar missing here is one that the provider does not have';

COMMENT ON COLUMN asked_windows.asked_at IS 'Time of the last response of a provider for this ticker';

COMMENT ON COLUMN asked_windows.failures IS 'Number of fetches in a row in which every provider failed for this ticker';

COMMENT ON COLUMN asked_windows.retry_at IS 'Ticks of the schedule leave the ticker out until then';

COMMENT ON COLUMN asked_windows.recheck_at IS 'A bar is absent in settled: from then on it is asked for again. NULL: none is absent';

COMMENT ON COLUMN asked_windows.configuration IS 'Digest of the providers and files that were asked; others are asked again';

CREATE TABLE dead_letters (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    attributes jsonb NOT NULL,
    data bytea NOT NULL,
    reason text NOT NULL,
    arrivals integer NOT NULL DEFAULT 1,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letters_source_event_id_type_key UNIQUE (source, event_id, type)
);

COMMENT ON TABLE dead_letters IS 'Events that could not be handled, each once, whole, with the reason';

CREATE TABLE market_epoch (
    one_row boolean NOT NULL DEFAULT true,
    epoch bigint NOT NULL,
    CONSTRAINT market_epoch_one_row_check CHECK (one_row),
    CONSTRAINT market_epoch_pkey PRIMARY KEY (one_row)
);

COMMENT ON TABLE market_epoch IS 'One row; grows with every transaction that changes market data';

CREATE OR REPLACE FUNCTION rfc3339(instant timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN to_char((instant AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'::text)
;

COMMENT ON FUNCTION rfc3339(timestamp with time zone) IS 'An instant as all answers write it: UTC, whole seconds';

CREATE OR REPLACE FUNCTION unix_seconds(instant timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (floor(EXTRACT(epoch FROM instant)))::bigint
;

CREATE OR REPLACE FUNCTION hours_of(opens timestamp with time zone, closes timestamp with time zone)
 RETURNS integer
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (ceil((date_part('epoch'::text, (closes - opens)) / (3600)::double precision)))::integer
;

COMMENT ON FUNCTION hours_of(timestamp with time zone,timestamp with time zone) IS 'Number of hourly bars of a session; the last one may be shorter';

CREATE VIEW hourly_bars AS
 SELECT bar.ticker,
    bar.start,
    LEAST((bar.start + '01:00:00'::interval), session.closes) AS "end",
    bar.open,
    bar.high,
    bar.low,
    bar.close,
    bar.volume,
    bar.source,
    bar.revision,
    bar.received_at,
    session.date AS session,
    session.opens,
    session.closes
   FROM (bars bar
     LEFT JOIN LATERAL ( SELECT sessions.date,
            sessions.opens,
            sessions.closes
           FROM sessions
          WHERE (sessions.opens <= bar.start)
          ORDER BY sessions.opens DESC
         LIMIT 1) session ON (true))
  WHERE (bar."interval" = '1h'::text);

COMMENT ON VIEW hourly_bars IS 'The hourly bars, each with its end and its session';

CREATE VIEW profiles AS
 SELECT ticker.ticker,
    COALESCE(company.name, ticker.name) AS name,
    company.exchange,
    company.industry,
    company.country,
    company.currency,
    company.ipo,
    company.website,
    company.logo,
    company.phone,
    company.market_cap_millions,
    company.shares_millions,
    company.market_cap_millions AS market_cap,
    company.shares_millions AS num_shares,
    company.source,
    rfc3339(company.fetched_at) AS fetched_at,
    ticker.active
   FROM (tickers ticker
     LEFT JOIN companies company USING (ticker));

COMMENT ON COLUMN profiles.market_cap IS 'In millions, as the first system named it';

COMMENT ON COLUMN profiles.num_shares IS 'In millions, as the first system named it';

CREATE TABLE splits (
    ticker text NOT NULL,
    date date NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    new_shares numeric NOT NULL,
    old_shares numeric NOT NULL,
    state text NOT NULL,
    found text NOT NULL,
    source text NOT NULL,
    detail text NOT NULL,
    raw_sources text[] NOT NULL DEFAULT '{}'::text[],
    refetch_from timestamp with time zone NOT NULL,
    found_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    event_id text,
    trace_id text,
    CONSTRAINT splits_check CHECK ((new_shares <> old_shares)),
    CONSTRAINT splits_found_check CHECK ((found = ANY (ARRAY['overlap'::text, 'jump'::text, 'stated'::text]))),
    CONSTRAINT splits_new_shares_check CHECK ((new_shares > (0)::numeric)),
    CONSTRAINT splits_old_shares_check CHECK ((old_shares > (0)::numeric)),
    CONSTRAINT splits_pkey PRIMARY KEY (ticker, date),
    CONSTRAINT splits_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'suspected'::text, 'applied'::text, 'unconfirmed'::text, 'refuted'::text]))),
    CONSTRAINT splits_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker)
);

COMMENT ON TABLE splits IS 'Splits of shares, each once: new_shares for old_shares from the session of date on';

COMMENT ON COLUMN splits.starts_at IS 'Bars that start before it were traded on the old scale';

COMMENT ON COLUMN splits.state IS 'pending: the history is to be fetched again; suspected: the same, and the answer decides; applied: all bars are on the new scale; unconfirmed: a jump like that of a split, taken as news; refuted: no split';

COMMENT ON COLUMN splits.found IS 'overlap: a provider gave stored bars again on another scale; jump: prices jumped between two sessions; stated: by an operator';

COMMENT ON COLUMN splits.raw_sources IS 'Sources that give bars from before the split on the old scale: they are converted when they arrive';

COMMENT ON COLUMN splits.refetch_from IS 'Start of the bar from which the history is fetched again';

CREATE VIEW left_out_tickers AS
 SELECT ticker,
    max(starts_at) AS starts_at,
    min(found_at) AS since,
        CASE
            WHEN bool_or((state = 'pending'::text)) THEN 'split'::text
            ELSE 'split-suspected'::text
        END AS reason,
    string_agg(format(
        CASE state
            WHEN 'pending'::text THEN '%s split on %s: the history is being fetched again on the new scale.'::text
            ELSE 'The price changed on %2$s as by a %1$s split: the history is being fetched again to find out.'::text
        END, ((trim_scale(new_shares) || ':'::text) || trim_scale(old_shares)), date), ' '::text ORDER BY date) AS detail
   FROM splits
  WHERE (state = ANY (ARRAY['pending'::text, 'suspected'::text]))
  GROUP BY ticker;

COMMENT ON VIEW left_out_tickers IS 'Tickers whose stored bars are on two scales: no figure compares them until their history is replaced';

CREATE VIEW newest_bars AS
 SELECT ticker.ticker,
    ticker.name AS stored_company_name,
    bar.start,
    bar."end",
    bar.open,
    bar.high,
    bar.low,
    bar.close,
    bar.volume,
    bar.source,
    bar.revision,
    bar.received_at,
    bar.session,
    bar.opens,
    bar.closes,
    previous_session.opens AS previous_opens,
    previous_session.closes AS previous_closes,
    previous.start AS previous_start,
    previous.close AS previous_close
   FROM (((tickers ticker
     CROSS JOIN LATERAL ( SELECT hourly_bars.ticker,
            hourly_bars.start,
            hourly_bars."end",
            hourly_bars.open,
            hourly_bars.high,
            hourly_bars.low,
            hourly_bars.close,
            hourly_bars.volume,
            hourly_bars.source,
            hourly_bars.revision,
            hourly_bars.received_at,
            hourly_bars.session,
            hourly_bars.opens,
            hourly_bars.closes
           FROM hourly_bars
          WHERE (hourly_bars.ticker = ticker.ticker)
          ORDER BY hourly_bars.start DESC
         LIMIT 1) bar)
     LEFT JOIN LATERAL ( SELECT sessions.opens,
            sessions.closes
           FROM sessions
          WHERE (sessions.opens < bar.opens)
          ORDER BY sessions.opens DESC
         LIMIT 1) previous_session ON (true))
     LEFT JOIN LATERAL ( SELECT hourly_bars.start,
            hourly_bars.close
           FROM hourly_bars
          WHERE ((hourly_bars.ticker = ticker.ticker) AND (hourly_bars.start >= (previous_session.closes - '01:00:00'::interval)) AND (hourly_bars.start < previous_session.closes) AND (NOT (ticker.ticker IN ( SELECT left_out_tickers.ticker
                   FROM left_out_tickers))))
          ORDER BY hourly_bars.start DESC
         LIMIT 1) previous ON (true))
  WHERE ticker.active;

COMMENT ON VIEW newest_bars IS 'Each active ticker''s own newest hourly bar, beside the close of the session before it';

COMMENT ON COLUMN newest_bars.previous_close IS 'NULL unless the very last bar of that session is stored, on the same scale';

CREATE TABLE source_overlaps (
    ticker text NOT NULL,
    source text NOT NULL,
    other text NOT NULL,
    bars integer NOT NULL,
    deviation numeric NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT source_overlaps_pkey PRIMARY KEY (ticker, source, other),
    CONSTRAINT source_overlaps_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker)
);

COMMENT ON TABLE source_overlaps IS 'Figures of two sources for the same bars of a ticker, from the last time both gave them';

COMMENT ON COLUMN source_overlaps.deviation IS 'The largest difference of two closes, as a part of the price';

CREATE OR REPLACE FUNCTION agree(of_ticker text, one text, two text)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (EXISTS (SELECT FROM source_overlaps overlap WHERE ((overlap.ticker = agree.of_ticker) AND (((overlap.source = agree.one) AND (overlap.other = agree.two)) OR ((overlap.source = agree.two) AND (overlap.other = agree.one))) AND (overlap.deviation <= 0.005))))
;

COMMENT ON FUNCTION agree(pg_catalog.text,pg_catalog.text,pg_catalog.text) IS 'True if two sources differed by half a percent at most in the bars that both gave';

CREATE OR REPLACE FUNCTION is_comparable(of_ticker text, one text, two text)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN ((one = two) OR agree(of_ticker, one, two))
;

COMMENT ON FUNCTION is_comparable(pg_catalog.text,pg_catalog.text,pg_catalog.text) IS 'True if prices of two sources can be compared: they differed by half a percent at most in the bars that both gave';

CREATE OR REPLACE FUNCTION usual_volume(of_ticker text, of_source text, of_opens timestamp with time zone, first timestamp with time zone, last timestamp with time zone, last_end timestamp with time zone, hours integer)
 RETURNS TABLE(sessions bigint, volume numeric)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT count(*) AS count,
     avg(day.volume) AS avg
    FROM (( SELECT known.opens,
             known.closes
            FROM sessions known
           WHERE (known.opens < usual_volume.of_opens)
           ORDER BY known.opens DESC
          LIMIT 20) session
      CROSS JOIN LATERAL ( SELECT sum(hour.volume) AS volume
            FROM bars hour
           WHERE ((hour.ticker = usual_volume.of_ticker) AND (hour."interval" = '1h'::text) AND ((hour.start >= (session.opens + (usual_volume.first - usual_volume.of_opens))) AND (hour.start <= (session.opens + (usual_volume.last - usual_volume.of_opens)))))
          HAVING (count(hour.volume) FILTER (WHERE (hour.source = usual_volume.of_source)) = usual_volume.hours)) day)
   WHERE (((session.opens + (usual_volume.last_end - usual_volume.of_opens)) <= session.closes) AND (NOT (usual_volume.of_ticker IN ( SELECT left_out_tickers.ticker
            FROM left_out_tickers))));
END
;

COMMENT ON FUNCTION usual_volume(pg_catalog.text,pg_catalog.text,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone,integer) IS 'Average volume of the same hours in those of the 20 sessions before that are whole and of the same source';

CREATE VIEW mover_figures AS
 SELECT bar.ticker,
    bar.stored_company_name,
    bar.start,
    bar."end",
    bar.open,
    bar.high,
    bar.low,
    bar.close,
    bar.volume,
    bar.source,
    bar.revision,
    bar.received_at,
    bar.session,
    bar.opens,
    bar.closes,
    bar.previous_opens,
    bar.previous_closes,
    bar.previous_start,
    bar.previous_close,
    basis.name AS basis,
    against.start AS basis_start,
    price.at AS basis_at,
    price.usd AS basis_price,
    (((bar.close - price.usd) / price.usd) * (100)::numeric) AS change_percent,
        CASE
            WHEN ((traded.bars = span.hours) AND (traded.comparable = span.hours)) THEN (((traded.high - traded.low) / price.usd) * (100)::numeric)
            ELSE NULL::numeric
        END AS range_percent,
        CASE
            WHEN (usual.sessions >= 5) THEN (traded.volume / NULLIF(usual.volume, (0)::numeric))
            ELSE NULL::numeric
        END AS volume_ratio,
    (bar.open - against.open) AS open_delta,
    (bar.high - against.high) AS high_delta,
    (bar.low - against.low) AS low_delta,
    (bar.close - against.close) AS close_delta,
    (bar.volume - against.volume) AS volume_delta,
    span.first AS window_start,
    span.hours AS window_bars_expected,
    traded.bars AS window_bars,
    traded.high AS window_high,
    traded.low AS window_low,
    traded.volume AS window_volume,
    usual.sessions AS usual_sessions,
    usual.volume AS usual_volume,
    (((stored.start IS NOT NULL) AND (against.start IS NULL)) OR (traded.comparable < traded.bars)) AS seam
   FROM ((((((((newest_bars bar
     CROSS JOIN ( VALUES ('previous_close'::text), ('previous_bar'::text), ('session_open'::text)) basis(name))
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (basis.name = 'session_open'::text) THEN bar.opens
                    WHEN ((basis.name = 'previous_bar'::text) AND (bar.start > bar.opens)) THEN (bar.start - '01:00:00'::interval)
                    ELSE bar.previous_start
                END AS start) wanted)
     CROSS JOIN LATERAL ( SELECT
                CASE basis.name
                    WHEN 'previous_bar'::text THEN bar.start
                    ELSE bar.opens
                END AS first,
                CASE basis.name
                    WHEN 'previous_bar'::text THEN 1
                    ELSE hours_of(bar.opens, bar."end")
                END AS hours) span)
     LEFT JOIN LATERAL ( SELECT hour.ticker,
            hour.start,
            hour."end",
            hour.open,
            hour.high,
            hour.low,
            hour.close,
            hour.volume,
            hour.source,
            hour.revision,
            hour.received_at,
            hour.session,
            hour.opens,
            hour.closes
           FROM hourly_bars hour
          WHERE ((hour.ticker = bar.ticker) AND (hour.start = wanted.start))) stored ON (true))
     LEFT JOIN LATERAL ( SELECT stored.start,
            stored."end",
            stored.open,
            stored.high,
            stored.low,
            stored.close,
            stored.volume
          WHERE is_comparable(bar.ticker, bar.source, stored.source)
        UNION ALL
        ( SELECT stored.start,
            stored."end",
            past.open,
            past.high,
            past.low,
            past.close,
            past.volume
           FROM bar_revisions past
          WHERE ((past.ticker = bar.ticker) AND (past."interval" = '1h'::text) AND (past.start = stored.start) AND (past.source = bar.source) AND (NOT is_comparable(bar.ticker, bar.source, stored.source)))
          ORDER BY past.revision DESC
         LIMIT 1)) against ON (true))
     CROSS JOIN LATERAL ( SELECT
                CASE basis.name
                    WHEN 'session_open'::text THEN against.start
                    ELSE against."end"
                END AS at,
                CASE basis.name
                    WHEN 'session_open'::text THEN against.open
                    ELSE against.close
                END AS usd) price)
     CROSS JOIN LATERAL ( SELECT count(*) AS bars,
            max(hour.high) AS high,
            min(hour.low) AS low,
                CASE
                    WHEN (count(hour.volume) FILTER (WHERE (hour.source = bar.source)) = span.hours) THEN sum(hour.volume)
                    ELSE NULL::numeric
                END AS volume,
            count(*) FILTER (WHERE is_comparable(bar.ticker, bar.source, hour.source)) AS comparable
           FROM bars hour
          WHERE ((hour.ticker = bar.ticker) AND (hour."interval" = '1h'::text) AND ((hour.start >= span.first) AND (hour.start <= bar.start)))) traded)
     LEFT JOIN LATERAL usual_volume(bar.ticker, bar.source, bar.opens, span.first, bar.start, bar."end", span.hours) usual(sessions, volume) ON (true));

COMMENT ON VIEW mover_figures IS 'Each active ticker''s newest bar against each basis; NULL where a bar that it takes is not stored, on another scale or of another source';

COMMENT ON COLUMN mover_figures.volume_ratio IS 'NULL unless five sessions of the same source are whole';

COMMENT ON COLUMN mover_figures.window_start IS 'The window that volume and range are of: the session so far, or the newest bar alone';

COMMENT ON COLUMN mover_figures.usual_volume IS 'Average over the same hours of those of the 20 sessions before that are whole';

COMMENT ON COLUMN mover_figures.seam IS 'Its bars come from two sources that gave different prices';

CREATE VIEW movers AS
 SELECT figure.ticker,
    figure.basis,
    figure.start,
    figure."end",
    figure.source,
    figure.change_percent,
    figure.range_percent,
    figure.volume_ratio,
    figure.window_volume,
    (figure.start = max(figure.start) OVER (PARTITION BY figure.basis)) AS is_newest,
    to_json(profile.*) AS profile,
    to_json(bar.*) AS current_metrics,
    to_json(delta.*) AS metric_deltas,
    (figure.close - figure.basis_price) AS change,
    rfc3339(figure.basis_start) AS basis_datetime,
    rfc3339(figure.basis_at) AS basis_at,
    figure.basis_price,
    to_json(span.*) AS "window",
    figure.seam
   FROM ((((mover_figures figure
     JOIN profiles profile USING (ticker))
     CROSS JOIN LATERAL ( SELECT rfc3339(figure.start) AS datetime,
            unix_seconds(figure.start) AS "timestamp",
            rfc3339(figure."end") AS "end",
            figure.open,
            figure.high,
            figure.low,
            figure.close,
            figure.volume,
            figure.source) bar)
     CROSS JOIN LATERAL ( SELECT figure.open_delta AS open,
            figure.high_delta AS high,
            figure.low_delta AS low,
            figure.close_delta AS close,
            figure.volume_delta AS volume) delta)
     CROSS JOIN LATERAL ( SELECT rfc3339(figure.window_start) AS start,
            rfc3339(figure."end") AS "end",
            figure.window_bars AS bars,
            figure.window_bars_expected AS bars_expected,
            figure.window_high AS high,
            figure.window_low AS low,
            figure.window_volume AS volume,
            round(figure.range_percent, 4) AS range_percent,
            round(figure.usual_volume, 0) AS usual_volume,
            figure.usual_sessions,
            round(figure.volume_ratio, 4) AS volume_ratio) span)
  WHERE (NOT (figure.ticker IN ( SELECT left_out_tickers.ticker
           FROM left_out_tickers)));

COMMENT ON VIEW movers IS 'mover_figures as a response shows them, without the tickers that are left out';

CREATE OR REPLACE FUNCTION coverage_of(of_opens timestamp with time zone[], of_tickers text[], finished timestamp with time zone)
 RETURNS TABLE(date date, opens timestamp with time zone, closes timestamp with time zone, ticker text, start timestamp with time zone, "end" timestamp with time zone, state text, source text)
 LANGUAGE sql
 STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
 SELECT session.date,
     session.opens,
     session.closes,
     slot.ticker,
     slot.start,
     slot."end",
         CASE
             WHEN (bar.start IS NOT NULL) THEN 'present'::text
             WHEN (EXISTS ( SELECT
                FROM rejected_bars rejected
               WHERE ((rejected.ticker = slot.ticker) AND (rejected."interval" = '1h'::text) AND (rejected.start > (slot.start - '15:00:00'::interval)) AND (rejected.start < (slot.start + '15:00:00'::interval)) AND ((rejected.start = slot.start) OR ((rejected.reason = 'off-grid'::text) AND (rejected.start > (slot.start - '01:00:00'::interval)) AND (rejected.start < slot."end")) OR (rejected.reason = ANY (ARRAY['clock-doubtful'::text, 'named-by-end'::text, 'spacing'::text])))))) THEN 'rejected'::text
             WHEN (asked.settled @> slot.start) THEN 'none_at_provider'::text
             WHEN (slot.start IS NOT NULL) THEN 'not_fetched'::text
             ELSE NULL::text
         END AS state,
     bar.source
    FROM (((sessions session
      LEFT JOIN LATERAL ( SELECT name.ticker,
             grid.start,
             LEAST((grid.start + '01:00:00'::interval), session.closes) AS "end"
            FROM ((unnest(coverage_of.of_tickers) name(ticker)
              JOIN tickers known ON (((known.ticker = name.ticker) AND (session.date <= COALESCE(known.ended_on, 'infinity'::date)))))
              CROSS JOIN generate_series(session.opens, (session.closes - '00:00:01'::interval), '01:00:00'::interval) grid(start))
           WHERE (LEAST((grid.start + '01:00:00'::interval), session.closes) <= coverage_of.finished)) slot ON (true))
      LEFT JOIN LATERAL ( SELECT bars.start,
             bars.source
            FROM bars
           WHERE ((bars.ticker = slot.ticker) AND (bars."interval" = '1h'::text) AND (bars.start = slot.start))
          LIMIT 1) bar ON (true))
      LEFT JOIN asked_windows asked ON (((asked.ticker = slot.ticker) AND (asked."interval" = '1h'::text))))
   WHERE (session.opens = ANY (coverage_of.of_opens));
END
;

COMMENT ON FUNCTION coverage_of(timestamp with time zone[],pg_catalog.text[],timestamp with time zone) IS 'Finished hourly bars that the sessions call for: stored, or the reason why not';

CREATE INDEX rejected_bars_received_at ON rejected_bars USING btree (received_at);

CREATE TABLE users (
    user_id uuid NOT NULL DEFAULT gen_random_uuid(),
    email text NOT NULL,
    username text,
    username_key text,
    password_hash text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT users_check CHECK (((username IS NULL) = (username_key IS NULL))),
    CONSTRAINT users_email_check CHECK (((length(email) >= 3) AND (length(email) <= 254))),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_password_hash_check CHECK ((password_hash ~~ '$argon2id$%'::text)),
    CONSTRAINT users_pkey PRIMARY KEY (user_id),
    CONSTRAINT users_username_check CHECK (((length(username) >= 1) AND (length(username) <= 64))),
    CONSTRAINT users_username_key_key UNIQUE (username_key)
);

COMMENT ON COLUMN users.email IS 'Normalised: equal for all spellings of one address';

COMMENT ON COLUMN users.username_key IS 'Normalised likewise; username is as its owner writes it';

CREATE TABLE tokens (
    token_id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    hash bytea NOT NULL,
    name text NOT NULL,
    is_login boolean NOT NULL DEFAULT false,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    replaced_by uuid,
    key_id text,
    invalidated_at timestamp with time zone,
    CONSTRAINT tokens_check CHECK ((expires_at >= created_at)),
    CONSTRAINT tokens_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT tokens_hash_key UNIQUE (hash),
    CONSTRAINT tokens_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT tokens_pkey PRIMARY KEY (token_id),
    CONSTRAINT tokens_replaced_by_fkey FOREIGN KEY (replaced_by) REFERENCES tokens(token_id) ON DELETE SET NULL,
    CONSTRAINT tokens_scopes_check CHECK (((scopes <@ '{read,account,alerts}'::text[]) AND (cardinality(scopes) > 0))),
    CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);

COMMENT ON COLUMN tokens.hash IS 'HMAC-SHA-256 of the token under API_TOKEN_SECRET; the token itself is kept nowhere';

COMMENT ON COLUMN tokens.is_login IS 'True: issued for a password. Only the newest of these stay valid';

COMMENT ON COLUMN tokens.used_at IS 'Time of the last use, as of the last time its owner looked; readers note it in Redis';

COMMENT ON COLUMN tokens.replaced_by IS 'The token that takes its place: this one ends when the overlap does';

COMMENT ON COLUMN tokens.key_id IS 'Generation of the key: a hash of API_TOKEN_SECRET; null until the next use of the account';

COMMENT ON COLUMN tokens.invalidated_at IS 'Time at which a change of API_TOKEN_SECRET was found: the token stays invalid under the old key too';

CREATE INDEX tokens_of_user ON tokens USING btree (user_id, created_at);

CREATE INDEX tokens_replaced ON tokens USING btree (replaced_by) WHERE (replaced_by IS NOT NULL);

CREATE TABLE insight_hours (
    start timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    "end" timestamp with time zone NOT NULL,
    session date NOT NULL,
    complete boolean NOT NULL,
    missing text[] NOT NULL,
    generator text NOT NULL,
    model text,
    verdicts jsonb NOT NULL,
    prompt_tokens integer,
    completion_tokens integer,
    sources text[] NOT NULL,
    trace_id text,
    written_at timestamp with time zone NOT NULL,
    left_out jsonb NOT NULL DEFAULT '[]'::jsonb,
    CONSTRAINT insight_hours_generator_check CHECK ((generator = ANY (ARRAY['rules'::text, 'model'::text, 'mixed'::text]))),
    CONSTRAINT insight_hours_pkey PRIMARY KEY (start, revision),
    CONSTRAINT insight_hours_revision_check CHECK ((revision >= 0))
);

COMMENT ON COLUMN insight_hours.start IS 'Start of the hourly bar that the insights describe';

COMMENT ON COLUMN insight_hours.missing IS 'Active tickers that had no bar of this hour when it was written';

COMMENT ON COLUMN insight_hours.verdicts IS 'Result of each call of the model, with the faults of its text';

COMMENT ON COLUMN insight_hours.left_out IS 'Tickers with a bar that figures leave out, with the reason: split or source-changed';

CREATE INDEX insight_hours_session_start_idx ON insight_hours USING btree (session, start);

CREATE TABLE insights (
    start timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    place integer NOT NULL,
    template text NOT NULL,
    insight text NOT NULL,
    sentiment text NOT NULL,
    tickers text[] NOT NULL,
    generator text NOT NULL,
    kind text,
    story text,
    significance numeric,
    CONSTRAINT insights_generator_check CHECK ((generator = ANY (ARRAY['rules'::text, 'model'::text]))),
    CONSTRAINT insights_pkey PRIMARY KEY (start, revision, place),
    CONSTRAINT insights_sentiment_check CHECK ((sentiment = ANY (ARRAY['positive'::text, 'negative'::text, 'neutral'::text]))),
    CONSTRAINT insights_start_revision_fkey FOREIGN KEY (start, revision) REFERENCES insight_hours(start, revision)
);

COMMENT ON COLUMN insights.template IS 'The sentence with a slot {f12} for each figure';

COMMENT ON COLUMN insights.kind IS 'market, company, industry or wrap; NULL in what was written before there were kinds';

COMMENT ON COLUMN insights.significance IS 'Size of its facts against the usual: 1 is an ordinary day';

CREATE TABLE insight_facts (
    start timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    place integer NOT NULL,
    number integer NOT NULL,
    id text NOT NULL,
    metric text NOT NULL,
    ticker text,
    basis text,
    value numeric NOT NULL,
    unit text NOT NULL,
    text text NOT NULL,
    direction text,
    link text NOT NULL,
    tickers text[] NOT NULL,
    starts timestamp with time zone[] NOT NULL,
    fields text[] NOT NULL,
    digest text NOT NULL,
    "window" text,
    industry text,
    left_out text[] NOT NULL DEFAULT '{}'::text[],
    CONSTRAINT insight_facts_direction_check CHECK ((direction = ANY (ARRAY['up'::text, 'down'::text]))),
    CONSTRAINT insight_facts_pkey PRIMARY KEY (start, revision, place, number),
    CONSTRAINT insight_facts_start_revision_place_fkey FOREIGN KEY (start, revision, place) REFERENCES insights(start, revision, place)
);

COMMENT ON COLUMN insight_facts.starts IS 'Starts of the bars from which the figure was computed, beside tickers and fields';

COMMENT ON COLUMN insight_facts.digest IS 'Digest of those bars at that time; bars_digest of the same bars shows whether they have changed';

COMMENT ON COLUMN insight_facts."window" IS 'The span that the figure covers';

COMMENT ON COLUMN insight_facts.left_out IS 'Tracked tickers that lacked a bar for the figure';

CREATE TABLE insight_model_calls (
    start timestamp with time zone NOT NULL,
    calls integer NOT NULL,
    claimed_until timestamp with time zone,
    CONSTRAINT insight_model_calls_pkey PRIMARY KEY (start)
);

COMMENT ON TABLE insight_model_calls IS 'Counted before each call, so that no crash and no second event makes more of them than allowed';

COMMENT ON COLUMN insight_model_calls.claimed_until IS 'Time until which another process waits for the response of the model for this hour';

CREATE OR REPLACE FUNCTION bars_digest(of_tickers text[], of_starts timestamp with time zone[], of_fields text[])
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT md5(string_agg(concat_ws(' '::text, bar.ticker, (EXTRACT(epoch FROM bar.start))::bigint,
         CASE
             WHEN ('open'::text = ANY (bars_digest.of_fields)) THEN trim_scale(bar.open)
             ELSE NULL::numeric
         END,
         CASE
             WHEN ('high'::text = ANY (bars_digest.of_fields)) THEN trim_scale(bar.high)
             ELSE NULL::numeric
         END,
         CASE
             WHEN ('low'::text = ANY (bars_digest.of_fields)) THEN trim_scale(bar.low)
             ELSE NULL::numeric
         END,
         CASE
             WHEN ('close'::text = ANY (bars_digest.of_fields)) THEN trim_scale(bar.close)
             ELSE NULL::numeric
         END,
         CASE
             WHEN ('volume'::text = ANY (bars_digest.of_fields)) THEN bar.volume
             ELSE NULL::bigint
         END), ';'::text ORDER BY (bar.ticker COLLATE "C"), bar.start)) AS md5
    FROM bars bar
   WHERE ((bar.ticker = ANY (bars_digest.of_tickers)) AND (bar."interval" = '1h'::text) AND (bar.start = ANY (bars_digest.of_starts)));
END
;

COMMENT ON FUNCTION bars_digest(pg_catalog.text[],timestamp with time zone[],pg_catalog.text[]) IS 'Digest, in 32 digits, of the current values of the given fields of the hourly bars of all tickers at all starts';

CREATE TABLE withdrawals (
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL,
    tickers text[] NOT NULL,
    first timestamp with time zone,
    "end" timestamp with time zone,
    reason text NOT NULL,
    withdrawn_at timestamp with time zone NOT NULL,
    CONSTRAINT withdrawals_pkey PRIMARY KEY (id)
);

COMMENT ON TABLE withdrawals IS 'Withdrawals of bars by an operator, with the reason';

CREATE TABLE withdrawn_bars (
    withdrawal bigint NOT NULL,
    ticker text NOT NULL,
    "interval" text NOT NULL,
    start timestamp with time zone NOT NULL,
    revision integer NOT NULL,
    open numeric NOT NULL,
    high numeric NOT NULL,
    low numeric NOT NULL,
    close numeric NOT NULL,
    volume bigint,
    source text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone,
    withdrawn_at timestamp with time zone NOT NULL,
    served_at timestamp with time zone,
    CONSTRAINT withdrawn_bars_pkey PRIMARY KEY (ticker, "interval", start, revision, withdrawal),
    CONSTRAINT withdrawn_bars_withdrawal_fkey FOREIGN KEY (withdrawal) REFERENCES withdrawals(id)
);

COMMENT ON TABLE withdrawn_bars IS 'Versions of bars that were withdrawn, with the number that each had';

CREATE OR REPLACE FUNCTION bars_standing_at(instant timestamp with time zone)
 RETURNS TABLE(ticker text, "interval" text, start timestamp with time zone, open numeric, high numeric, low numeric, close numeric, volume bigint, source text, revision integer)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT bar.ticker,
     bar."interval",
     bar.start,
         CASE
             WHEN (past.start IS NULL) THEN bar.open
             ELSE past.open
         END AS open,
         CASE
             WHEN (past.start IS NULL) THEN bar.high
             ELSE past.high
         END AS high,
         CASE
             WHEN (past.start IS NULL) THEN bar.low
             ELSE past.low
         END AS low,
         CASE
             WHEN (past.start IS NULL) THEN bar.close
             ELSE past.close
         END AS close,
         CASE
             WHEN (past.start IS NULL) THEN bar.volume
             ELSE past.volume
         END AS volume,
         CASE
             WHEN (past.start IS NULL) THEN bar.source
             ELSE past.source
         END AS source,
         CASE
             WHEN (past.start IS NULL) THEN bar.revision
             ELSE past.revision
         END AS revision
    FROM (bars bar
      LEFT JOIN LATERAL ( SELECT revised.start,
             revised.open,
             revised.high,
             revised.low,
             revised.close,
             revised.volume,
             revised.source,
             revised.revision
            FROM bar_revisions revised
           WHERE ((COALESCE(bar.served_at, bar.received_at) > bars_standing_at.instant) AND (bar.revision > 0) AND (revised.ticker = bar.ticker) AND (revised."interval" = bar."interval") AND (revised.start = bar.start) AND (revised.revision >= 0) AND (COALESCE(revised.served_at, revised.received_at) <= bars_standing_at.instant))
           ORDER BY revised.revision DESC
          LIMIT 1) past ON (true))
   WHERE ((bars_standing_at.instant IS NULL) OR (COALESCE(bar.served_at, bar.received_at) <= bars_standing_at.instant) OR (past.start IS NOT NULL));
END
;

COMMENT ON FUNCTION bars_standing_at(timestamp with time zone) IS 'As bars_known_at, without bars that were withdrawn since: what a scan in order can follow';

CREATE OR REPLACE FUNCTION bars_known_at(instant timestamp with time zone)
 RETURNS TABLE(ticker text, "interval" text, start timestamp with time zone, open numeric, high numeric, low numeric, close numeric, volume bigint, source text, revision integer)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT standing.ticker,
     standing."interval",
     standing.start,
     standing.open,
     standing.high,
     standing.low,
     standing.close,
     standing.volume,
     standing.source,
     standing.revision
    FROM bars_standing_at(bars_known_at.instant) standing(ticker, "interval", start, open, high, low, close, volume, source, revision)
   WHERE ((bars_known_at.instant IS NULL) OR (NOT (EXISTS ( SELECT
            FROM withdrawn_bars gone
           WHERE ((gone.ticker = standing.ticker) AND (gone."interval" = standing."interval") AND (gone.start = standing.start) AND (COALESCE(gone.served_at, gone.received_at) <= bars_known_at.instant) AND (gone.withdrawn_at > bars_known_at.instant) AND (gone.revision > standing.revision))))))
 UNION ALL
  SELECT gone.ticker,
     gone."interval",
     gone.start,
     gone.open,
     gone.high,
     gone.low,
     gone.close,
     gone.volume,
     gone.source,
     gone.revision
    FROM withdrawn_bars gone
   WHERE ((gone.revision >= 0) AND (COALESCE(gone.served_at, gone.received_at) <= bars_known_at.instant) AND (gone.withdrawn_at > bars_known_at.instant) AND (NOT (EXISTS ( SELECT
            FROM withdrawn_bars other
           WHERE ((other.ticker = gone.ticker) AND (other."interval" = gone."interval") AND (other.start = gone.start) AND (COALESCE(other.served_at, other.received_at) <= bars_known_at.instant) AND (other.withdrawn_at > bars_known_at.instant) AND (other.revision > gone.revision))))) AND (NOT (EXISTS ( SELECT
            FROM bars_standing_at(bars_known_at.instant) standing(ticker, "interval", start, open, high, low, close, volume, source, revision)
           WHERE ((standing.ticker = gone.ticker) AND (standing."interval" = gone."interval") AND (standing.start = gone.start) AND (standing.revision > gone.revision))))));
END
;

COMMENT ON FUNCTION bars_known_at(timestamp with time zone) IS 'Each bar as it stood at an instant; those not fetched by then are missing';

CREATE OR REPLACE FUNCTION had_withdrawn_bars(of_ticker text, instant timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN ((instant IS NOT NULL) AND (EXISTS (SELECT FROM withdrawn_bars gone WHERE ((gone.ticker = had_withdrawn_bars.of_ticker) AND (gone.withdrawn_at > had_withdrawn_bars.instant)))))
;

COMMENT ON FUNCTION had_withdrawn_bars(pg_catalog.text,timestamp with time zone) IS 'True if bars of the ticker have been withdrawn since the instant';

CREATE OR REPLACE FUNCTION hourly_bars_of(of_ticker text, first timestamp with time zone, "end" timestamp with time zone, from_newest boolean, most integer, known_at timestamp with time zone)
 RETURNS TABLE(start timestamp with time zone, open numeric, high numeric, low numeric, close numeric, volume bigint, source text, revision integer)
 LANGUAGE sql
 STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
( SELECT bar.start,
     bar.open,
     bar.high,
     bar.low,
     bar.close,
     bar.volume,
     bar.source,
     bar.revision
    FROM bars_standing_at(hourly_bars_of.known_at) bar(ticker, "interval", start, open, high, low, close, volume, source, revision)
   WHERE ((NOT hourly_bars_of.from_newest) AND (NOT ( SELECT had_withdrawn_bars(hourly_bars_of.of_ticker, hourly_bars_of.known_at) AS had_withdrawn_bars)) AND (bar.ticker = hourly_bars_of.of_ticker) AND (bar."interval" = '1h'::text) AND (bar.start >= COALESCE(hourly_bars_of.first, '-infinity'::timestamp with time zone)))
   ORDER BY bar.start
  LIMIT hourly_bars_of.most)
 UNION ALL
 ( SELECT bar.start,
     bar.open,
     bar.high,
     bar.low,
     bar.close,
     bar.volume,
     bar.source,
     bar.revision
    FROM bars_standing_at(hourly_bars_of.known_at) bar(ticker, "interval", start, open, high, low, close, volume, source, revision)
   WHERE (hourly_bars_of.from_newest AND (NOT ( SELECT had_withdrawn_bars(hourly_bars_of.of_ticker, hourly_bars_of.known_at) AS had_withdrawn_bars)) AND (bar.ticker = hourly_bars_of.of_ticker) AND (bar."interval" = '1h'::text) AND (bar.start < COALESCE(LEAST(hourly_bars_of."end", hourly_bars_of.known_at), 'infinity'::timestamp with time zone)))
   ORDER BY bar.start DESC
  LIMIT hourly_bars_of.most)
 UNION ALL
 ( SELECT bar.start,
     bar.open,
     bar.high,
     bar.low,
     bar.close,
     bar.volume,
     bar.source,
     bar.revision
    FROM bars_known_at(hourly_bars_of.known_at) bar(ticker, "interval", start, open, high, low, close, volume, source, revision)
   WHERE (( SELECT had_withdrawn_bars(hourly_bars_of.of_ticker, hourly_bars_of.known_at) AS had_withdrawn_bars) AND (bar.ticker = hourly_bars_of.of_ticker) AND (bar."interval" = '1h'::text) AND
         CASE
             WHEN hourly_bars_of.from_newest THEN (bar.start < COALESCE(LEAST(hourly_bars_of."end", hourly_bars_of.known_at), 'infinity'::timestamp with time zone))
             ELSE (bar.start >= COALESCE(hourly_bars_of.first, '-infinity'::timestamp with time zone))
         END)
   ORDER BY
         CASE
             WHEN hourly_bars_of.from_newest THEN (- unix_seconds(bar.start))
             ELSE unix_seconds(bar.start)
         END
  LIMIT hourly_bars_of.most);
END
;

COMMENT ON FUNCTION hourly_bars_of(pg_catalog.text,timestamp with time zone,timestamp with time zone,boolean,integer,timestamp with time zone) IS 'The hourly bars of a ticker from one bound on, up to a number; the other bound is not applied';

CREATE OR REPLACE FUNCTION derived_bars(of_ticker text, unit text, first timestamp with time zone, "end" timestamp with time zone, from_newest boolean, most integer, known_at timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS TABLE(date date, opens timestamp with time zone, closes timestamp with time zone, sessions integer, bars_expected integer, bars integer, open numeric, high numeric, low numeric, close numeric, volume numeric, sources text, newest timestamp with time zone)
 LANGUAGE sql
 STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
 WITH history AS (
          SELECT ( SELECT bars.start
                    FROM bars
                   WHERE ((bars.ticker = derived_bars.of_ticker) AND (bars."interval" = '1h'::text))
                   ORDER BY bars.start
                  LIMIT 1) AS oldest,
             ( SELECT bars.start
                    FROM bars
                   WHERE ((bars.ticker = derived_bars.of_ticker) AND (bars."interval" = '1h'::text))
                   ORDER BY bars.start DESC
                  LIMIT 1) AS newest,
             COALESCE(LEAST(derived_bars."end", derived_bars.known_at), 'infinity'::timestamp with time zone) AS "end"
         ), edge AS (
          SELECT
                 CASE
                     WHEN (derived_bars.from_newest AND (derived_bars.known_at IS NULL)) THEN ( SELECT bars.start
                        FROM bars
                       WHERE ((bars.ticker = derived_bars.of_ticker) AND (bars."interval" = '1h'::text) AND (bars.start < history."end"))
                       ORDER BY bars.start DESC
                      OFFSET (derived_bars.most *
                             CASE derived_bars.unit
                                 WHEN 'day'::text THEN 7
                                 WHEN 'week'::text THEN 35
                                 ELSE 161
                             END)
                      LIMIT 1)
                     ELSE NULL::timestamp with time zone
                 END AS oldest,
                 CASE
                     WHEN ((NOT derived_bars.from_newest) AND (derived_bars.known_at IS NULL)) THEN ( SELECT bars.start
                        FROM bars
                       WHERE ((bars.ticker = derived_bars.of_ticker) AND (bars."interval" = '1h'::text) AND (bars.start >= COALESCE(derived_bars.first, '-infinity'::timestamp with time zone)))
                       ORDER BY bars.start
                      OFFSET (derived_bars.most *
                             CASE derived_bars.unit
                                 WHEN 'day'::text THEN 7
                                 WHEN 'week'::text THEN 35
                                 ELSE 161
                             END)
                      LIMIT 1)
                     ELSE NULL::timestamp with time zone
                 END AS newest
            FROM history
         ), period AS (
          SELECT (date_trunc(derived_bars.unit, (session.date)::timestamp without time zone))::date AS date,
             min(session.opens) AS opens,
             max(session.closes) AS closes
            FROM ((sessions session
              CROSS JOIN edge)
              JOIN history ON (((session.opens > (GREATEST(history.oldest, edge.oldest, derived_bars.first) - '32 days'::interval)) AND (session.opens < (LEAST(history.newest, edge.newest, history."end") + '32 days'::interval)))))
           GROUP BY ((date_trunc(derived_bars.unit, (session.date)::timestamp without time zone))::date)
          HAVING ((min(session.opens) >= COALESCE(derived_bars.first, '-infinity'::timestamp with time zone)) AND (min(session.opens) < min(history."end")) AND (min(session.opens) <= min(history.newest)))
         )
  SELECT period.date,
     period.opens,
     period.closes,
     called.sessions,
     called.hours,
     made.bars,
     made.open,
     made.high,
     made.low,
     made.close,
     made.volume,
     made.sources,
     made.newest
    FROM ((( SELECT period_1.date,
             period_1.opens,
             period_1.closes,
                 CASE
                     WHEN derived_bars.from_newest THEN (- unix_seconds(period_1.opens))
                     ELSE unix_seconds(period_1.opens)
                 END AS place
            FROM period period_1
           ORDER BY
                 CASE
                     WHEN derived_bars.from_newest THEN (- unix_seconds(period_1.opens))
                     ELSE unix_seconds(period_1.opens)
                 END) period
      CROSS JOIN LATERAL ( SELECT (count(*))::integer AS sessions,
             (sum(hours_of(session.opens, session.closes)))::integer AS hours
            FROM sessions session
           WHERE ((session.opens >= period.opens) AND (session.opens < period.closes))) called)
      CROSS JOIN LATERAL ( SELECT (count(*))::integer AS bars,
             (array_agg(bar.open ORDER BY bar.start))[1] AS open,
             max(bar.high) AS high,
             min(bar.low) AS low,
             (array_agg(bar.close ORDER BY bar.start DESC))[1] AS close,
                 CASE
                     WHEN (count(bar.volume) = count(*)) THEN sum(bar.volume)
                     ELSE NULL::numeric
                 END AS volume,
             string_agg(DISTINCT bar.source, ','::text) AS sources,
             max(bar.start) AS newest
            FROM bars_known_at(derived_bars.known_at) bar(ticker, "interval", start, open, high, low, close, volume, source, revision)
           WHERE ((bar.ticker = derived_bars.of_ticker) AND (bar."interval" = '1h'::text) AND (bar.start >= period.opens) AND (bar.start < period.closes))) made)
   WHERE (made.bars > 0)
   ORDER BY period.place
  LIMIT derived_bars.most;
END
;

COMMENT ON FUNCTION derived_bars(pg_catalog.text,pg_catalog.text,timestamp with time zone,timestamp with time zone,boolean,integer,timestamp with time zone) IS 'Bars of a day, week or month, each made of the stored hourly bars of its whole sessions';

CREATE TABLE store_totals (
    source text NOT NULL,
    events bigint NOT NULL,
    inserted bigint NOT NULL,
    revised bigint NOT NULL,
    unchanged bigint NOT NULL,
    rejected bigint NOT NULL,
    CONSTRAINT store_totals_pkey PRIMARY KEY (source)
);

COMMENT ON TABLE store_totals IS 'Results of all bars of a source since the first; an event that comes twice is counted twice';

CREATE OR REPLACE FUNCTION raise_epoch()
 RETURNS bigint
 LANGUAGE sql
AS $function$
    UPDATE market_epoch
       SET epoch = GREATEST(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    RETURNING epoch
$function$
;

COMMENT ON FUNCTION raise_epoch() IS 'As the last statement of a transaction that changes market data: it locks the row until the commit';

CREATE OR REPLACE FUNCTION last_finished_bar(instant timestamp with time zone, grace interval)
 RETURNS TABLE(start timestamp with time zone, "end" timestamp with time zone)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT grid.start,
     LEAST((grid.start + '01:00:00'::interval), session.closes) AS "end"
    FROM (( SELECT sessions.opens,
             sessions.closes
            FROM sessions
           WHERE (sessions.opens < last_finished_bar.instant)
           ORDER BY sessions.opens DESC
          LIMIT 2) session
      CROSS JOIN LATERAL generate_series(session.opens, (session.closes - '00:00:01'::interval), '01:00:00'::interval) grid(start))
   WHERE ((LEAST((grid.start + '01:00:00'::interval), session.closes) + last_finished_bar.grace) <= last_finished_bar.instant)
   ORDER BY grid.start DESC
  LIMIT 1;
END
;

COMMENT ON FUNCTION last_finished_bar(timestamp with time zone,interval) IS 'The newest hourly bar that ended grace before the instant or earlier';

CREATE OR REPLACE FUNCTION lagging_tickers(bar_start timestamp with time zone)
 RETURNS TABLE(ticker text)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT ticker.ticker
    FROM (tickers ticker
      LEFT JOIN asked_windows asked ON (((asked.ticker = ticker.ticker) AND (asked."interval" = '1h'::text))))
   WHERE (ticker.active AND (NOT COALESCE((asked.settled @> lagging_tickers.bar_start), false)) AND (NOT (EXISTS ( SELECT
            FROM bars bar
           WHERE ((bar.ticker = ticker.ticker) AND (bar."interval" = '1h'::text) AND (bar.start = lagging_tickers.bar_start))))));
END
;

COMMENT ON FUNCTION lagging_tickers(timestamp with time zone) IS 'Active tickers without the hourly bar of that start, which a provider may still have';

CREATE OR REPLACE FUNCTION figures_at(instant timestamp with time zone, grace interval)
 RETURNS TABLE(name text, labels jsonb, value double precision)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 WITH lagging AS (
          SELECT bar."end"
            FROM (last_finished_bar(figures_at.instant, figures_at.grace) bar(start, "end")
              CROSS JOIN LATERAL lagging_tickers(bar.start) lagging_tickers(ticker))
         )
  SELECT 'stocksalot_ingest_lag_seconds'::text,
     '{}'::jsonb AS jsonb,
     COALESCE(( SELECT date_part('epoch'::text, (figures_at.instant - max(lagging."end"))) AS date_part
            FROM lagging), (0)::double precision) AS "coalesce"
 UNION ALL
  SELECT 'stocksalot_tickers_behind'::text,
     '{}'::jsonb,
     ( SELECT count(*) AS count
            FROM lagging) AS count
 UNION ALL
  SELECT 'stocksalot_tickers'::text,
     '{}'::jsonb,
     ( SELECT count(*) AS count
            FROM tickers
           WHERE tickers.active) AS count
 UNION ALL
  SELECT 'stocksalot_newest_bar_end_timestamp_seconds'::text,
     '{}'::jsonb,
     date_part('epoch'::text, max(bar."end")) AS date_part
    FROM newest_bars bar
  HAVING (count(*) > 0)
 UNION ALL
  SELECT 'stocksalot_provider_answered_timestamp_seconds'::text,
     '{}'::jsonb,
     date_part('epoch'::text, max(asked_windows.asked_at)) AS date_part
    FROM asked_windows
  HAVING (count(*) > 0)
 UNION ALL
  SELECT 'stocksalot_bars_total'::text,
     jsonb_build_object('source', total.source, 'outcome', came.outcome) AS jsonb_build_object,
     came.bars
    FROM (store_totals total
      CROSS JOIN LATERAL ( VALUES ('inserted'::text,total.inserted), ('revised'::text,total.revised), ('unchanged'::text,total.unchanged), ('rejected'::text,total.rejected)) came(outcome, bars))
 UNION ALL
  SELECT 'stocksalot_events_total'::text,
     jsonb_build_object('source', store_totals.source) AS jsonb_build_object,
     store_totals.events
    FROM store_totals
 UNION ALL
  SELECT 'stocksalot_rejected_bars'::text,
     jsonb_build_object('reason', rejected_bars.reason) AS jsonb_build_object,
     count(*) AS count
    FROM rejected_bars
   GROUP BY rejected_bars.reason
 UNION ALL
  SELECT 'stocksalot_dead_letters'::text,
     '{}'::jsonb,
     ( SELECT count(*) AS count
            FROM dead_letters) AS count
 UNION ALL
  SELECT 'stocksalot_dead_letters_by_type'::text,
     jsonb_build_object('type', dead_letters.type) AS jsonb_build_object,
     count(*) AS count
    FROM dead_letters
   GROUP BY dead_letters.type
 UNION ALL
  SELECT 'stocksalot_insight_hours_total'::text,
     jsonb_build_object('generator', insight_hours.generator) AS jsonb_build_object,
     count(*) AS count
    FROM insight_hours
   GROUP BY insight_hours.generator
 UNION ALL
  SELECT 'stocksalot_insight_verdicts_total'::text,
     jsonb_build_object('outcome',
         CASE (verdict.value ->> 'outcome'::text)
             WHEN 'answered'::text THEN 'answered'::text
             ELSE 'failed'::text
         END) AS jsonb_build_object,
     count(*) AS count
    FROM (insight_hours
      CROSS JOIN LATERAL jsonb_array_elements(insight_hours.verdicts) verdict(value))
   GROUP BY (jsonb_build_object('outcome',
         CASE (verdict.value ->> 'outcome'::text)
             WHEN 'answered'::text THEN 'answered'::text
             ELSE 'failed'::text
         END))
 UNION ALL
  SELECT 'stocksalot_insights_told_timestamp_seconds'::text,
     '{}'::jsonb,
     date_part('epoch'::text, max(insight_hours."end")) AS date_part
    FROM insight_hours
  HAVING (count(*) > 0)
 UNION ALL
  SELECT 'stocksalot_sessions_end_timestamp_seconds'::text,
     '{}'::jsonb,
     date_part('epoch'::text, max(sessions.closes)) AS date_part
    FROM sessions
  HAVING (count(*) > 0)
 UNION ALL
  SELECT 'stocksalot_database_bytes'::text,
     '{}'::jsonb,
     pg_database_size(current_database()) AS pg_database_size
 UNION ALL
  SELECT 'stocksalot_database_connections'::text,
     '{}'::jsonb,
     count(*) AS count
    FROM pg_stat_activity
   WHERE (pg_stat_activity.datname = current_database());
END
;

COMMENT ON FUNCTION figures_at(timestamp with time zone,interval) IS 'The figures of /metrics, by their names in Prometheus';

CREATE INDEX tokens_by_key ON tokens USING btree (key_id) WHERE ((revoked_at IS NULL) AND (invalidated_at IS NULL));

CREATE UNIQUE INDEX rejected_bars_without_start ON rejected_bars USING btree (ticker, "interval", reason, digest) WHERE (start IS NULL);

CREATE VIEW insight_figures AS
 SELECT start,
    revision,
    place,
    number,
    id,
    metric,
    ticker,
    basis,
    value,
    unit,
    text,
    direction,
    link,
    tickers,
    starts,
    fields,
    digest,
    "window",
    industry,
    left_out,
    (digest IS DISTINCT FROM bars_digest(tickers, starts, fields)) AS superseded
   FROM insight_facts fact;

COMMENT ON COLUMN insight_figures.superseded IS 'The bars behind the figure have changed since it was written';

CREATE TABLE insight_model_runs (
    start timestamp with time zone NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    model text,
    outcome text NOT NULL,
    advice text NOT NULL,
    proposed integer NOT NULL,
    accepted integer NOT NULL,
    repaired integer NOT NULL,
    fallen_back integer NOT NULL,
    reasons jsonb NOT NULL,
    verdicts jsonb NOT NULL,
    prompt_tokens integer,
    completion_tokens integer,
    seconds numeric NOT NULL,
    CONSTRAINT insight_model_runs_pkey PRIMARY KEY (start, asked_at)
);

COMMENT ON TABLE insight_model_runs IS 'Runs of a model for the stories of an hour: sentences accepted at first, accepted after one repair, and left to the rules';

COMMENT ON COLUMN insight_model_runs.reasons IS 'Number of refused sentences by reason';

CREATE INDEX insight_model_runs_asked_at_idx ON insight_model_runs USING btree (asked_at);

CREATE OR REPLACE FUNCTION model_figures()
 RETURNS TABLE(name text, labels jsonb, value double precision)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT 'stocksalot_insight_verdicts_total'::text,
     jsonb_build_object('outcome',
         CASE insight_model_runs.outcome
             WHEN 'answered'::text THEN 'answered'::text
             ELSE 'failed'::text
         END) AS jsonb_build_object,
     count(*) AS count
    FROM insight_model_runs
   GROUP BY (jsonb_build_object('outcome',
         CASE insight_model_runs.outcome
             WHEN 'answered'::text THEN 'answered'::text
             ELSE 'failed'::text
         END))
 UNION ALL
  SELECT 'stocksalot_insight_sentences_total'::text,
     jsonb_build_object('result', came.result) AS jsonb_build_object,
     sum(came.sentences) AS sum
    FROM (insight_model_runs run
      CROSS JOIN LATERAL ( VALUES ('proposed'::text,run.proposed), ('accepted'::text,run.accepted), ('repaired'::text,run.repaired), ('fallen_back'::text,run.fallen_back)) came(result, sentences))
   GROUP BY came.result;
END
;

COMMENT ON FUNCTION model_figures() IS 'Metrics of models on /metrics of store: runs by outcome, sentences by outcome';

CREATE TABLE installation (
    one_row boolean NOT NULL DEFAULT true,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT installation_one_row_check CHECK (one_row),
    CONSTRAINT installation_pkey PRIMARY KEY (one_row)
);

COMMENT ON TABLE installation IS 'One row: the identity of this database. A copy that is to live beside it needs another one';

CREATE INDEX splits_waiting ON splits USING btree (ticker) WHERE (state = ANY (ARRAY['pending'::text, 'suspected'::text]));

CREATE TABLE disagreements (
    ticker text NOT NULL,
    "interval" text NOT NULL,
    start timestamp with time zone NOT NULL,
    field text NOT NULL,
    source text NOT NULL,
    other_source text NOT NULL,
    value numeric NOT NULL,
    other_value numeric NOT NULL,
    difference_percent numeric GENERATED ALWAYS AS (round((((other_value - value) * (100)::numeric) / NULLIF(value, (0)::numeric)), 4)) STORED,
    tolerance_percent numeric NOT NULL,
    found_at timestamp with time zone NOT NULL,
    compared_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    trace_id text,
    CONSTRAINT disagreements_field_check CHECK ((field = ANY (ARRAY['open'::text, 'high'::text, 'low'::text, 'close'::text, 'volume'::text]))),
    CONSTRAINT disagreements_pkey PRIMARY KEY (ticker, "interval", start, field, other_source),
    CONSTRAINT disagreements_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker)
);

COMMENT ON TABLE disagreements IS 'Figures of stored bars from which another source differs beyond the tolerance; the same comparison again is the same row';

COMMENT ON COLUMN disagreements.source IS 'That of the stored bar when they were compared';

COMMENT ON COLUMN disagreements.resolved_at IS 'Time of a later comparison that found both within the tolerance; NULL: they still differ';

CREATE INDEX disagreements_by_start ON disagreements USING btree (start DESC, ticker, field, other_source);

CREATE TABLE comparisons (
    ticker text NOT NULL,
    "interval" text NOT NULL,
    other_source text NOT NULL,
    compared tstzmultirange NOT NULL,
    compared_at timestamp with time zone NOT NULL,
    CONSTRAINT comparisons_pkey PRIMARY KEY (ticker, "interval", other_source),
    CONSTRAINT comparisons_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker)
);

COMMENT ON TABLE comparisons IS 'Ranges in which stored bars were compared with those of another source: bars without a row in disagreements agree';

CREATE OR REPLACE FUNCTION rejection_of(of_ticker text, slot_start timestamp with time zone, slot_end timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT rejected.reason
    FROM rejected_bars rejected
   WHERE ((rejected.ticker = rejection_of.of_ticker) AND (rejected."interval" = '1h'::text) AND (rejected.start > (rejection_of.slot_start - '15:00:00'::interval)) AND (rejected.start < (rejection_of.slot_start + '15:00:00'::interval)) AND ((rejected.start = rejection_of.slot_start) OR ((rejected.reason = 'off-grid'::text) AND (rejected.start > (rejection_of.slot_start - '01:00:00'::interval)) AND (rejected.start < rejection_of.slot_end)) OR (rejected.reason = ANY (ARRAY['clock-doubtful'::text, 'named-by-end'::text, 'spacing'::text]))))
   ORDER BY (rejected.start = rejection_of.slot_start) DESC, rejected.received_at DESC, rejected.id DESC
  LIMIT 1;
END
;

COMMENT ON FUNCTION rejection_of(pg_catalog.text,timestamp with time zone,timestamp with time zone) IS 'Reason why the hourly bar of that time was not stored, as coverage_of decides it; NULL if none was rejected';

CREATE INDEX rejected_bars_of_ticker ON rejected_bars USING btree (ticker, id);

CREATE TABLE calendar_closings (
    date date NOT NULL,
    closes time without time zone,
    stated_by text NOT NULL,
    stated_at timestamp with time zone NOT NULL,
    CONSTRAINT calendar_closings_pkey PRIMARY KEY (date),
    CONSTRAINT calendar_closings_stated_by_check CHECK ((stated_by = ANY (ARRAY['setting'::text, 'operator'::text])))
);

COMMENT ON TABLE calendar_closings IS 'Unscheduled closings and early closes; they win over the calendar of the release';

COMMENT ON COLUMN calendar_closings.closes IS 'New York time of an early close; NULL: no session that day';

CREATE TABLE lists (
    list_id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    changed_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT lists_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT lists_pkey PRIMARY KEY (list_id),
    CONSTRAINT lists_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE,
    CONSTRAINT lists_user_id_name_key_key UNIQUE (user_id, name_key)
);

COMMENT ON COLUMN lists.name_key IS 'The name as names are compared: normalised, without case';

CREATE TABLE list_tickers (
    list_id uuid NOT NULL,
    ticker text NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT list_tickers_list_id_fkey FOREIGN KEY (list_id) REFERENCES lists(list_id) ON DELETE CASCADE,
    CONSTRAINT list_tickers_pkey PRIMARY KEY (list_id, ticker),
    CONSTRAINT list_tickers_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker)
);

CREATE TABLE alert_channels (
    channel_id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    target text NOT NULL,
    salt text NOT NULL,
    key_id text NOT NULL,
    state text NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamp with time zone,
    last_error text,
    delivered_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    shown text,
    target_key text,
    confirmed_at timestamp with time zone,
    CONSTRAINT alert_channels_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'push'::text, 'email'::text, 'apprise'::text]))),
    CONSTRAINT alert_channels_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT alert_channels_pkey PRIMARY KEY (channel_id),
    CONSTRAINT alert_channels_state_check CHECK ((state = ANY (ARRAY['unconfirmed'::text, 'active'::text, 'disabled'::text]))),
    CONSTRAINT alert_channels_target_check CHECK (((length(target) >= 1) AND (length(target) <= 4000))),
    CONSTRAINT alert_channels_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);

COMMENT ON COLUMN alert_channels.target IS 'Where it leads: the address of a webhook or of mail; of other kinds encrypted, as it holds secrets';

COMMENT ON COLUMN alert_channels.salt IS 'With API_TOKEN_SECRET it gives the secret that signs; the secret itself is kept nowhere';

COMMENT ON COLUMN alert_channels.key_id IS 'Generation of API_TOKEN_SECRET when the secret was shown';

COMMENT ON COLUMN alert_channels.failures IS 'Failed attempts since the last delivery';

COMMENT ON COLUMN alert_channels.shown IS 'Where it leads in words, without secrets; NULL: made of the target';

COMMENT ON COLUMN alert_channels.target_key IS 'The same browser or address is one channel of an account: a hash of the endpoint, or the address; NULL for other kinds';

COMMENT ON COLUMN alert_channels.confirmed_at IS 'Time at which the reader of an address confirmed it; NULL: not confirmed, or unsubscribed since';

CREATE INDEX alert_channels_of_user ON alert_channels USING btree (user_id);

CREATE TABLE alert_rules (
    rule_id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    ticker text,
    kind text NOT NULL,
    direction text,
    basis text,
    span text,
    amount numeric,
    repeat text NOT NULL,
    channel_ids uuid[],
    paused boolean NOT NULL DEFAULT false,
    since timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    stated_at timestamp with time zone NOT NULL,
    list_id uuid,
    CONSTRAINT alert_rules_amount_check CHECK ((amount > (0)::numeric)),
    CONSTRAINT alert_rules_basis_check CHECK ((basis = ANY (ARRAY['previous_close'::text, 'session_open'::text]))),
    CONSTRAINT alert_rules_direction_check CHECK ((direction = ANY (ARRAY['above'::text, 'below'::text, 'up'::text, 'down'::text, 'any'::text, 'high'::text, 'low'::text]))),
    CONSTRAINT alert_rules_kind_check CHECK ((kind = ANY (ARRAY['price'::text, 'change'::text, 'volume'::text, 'extreme'::text, 'insight'::text, 'missing'::text]))),
    CONSTRAINT alert_rules_list_id_fkey FOREIGN KEY (list_id) REFERENCES lists(list_id) ON DELETE CASCADE,
    CONSTRAINT alert_rules_pkey PRIMARY KEY (rule_id),
    CONSTRAINT alert_rules_repeat_check CHECK ((repeat = ANY (ARRAY['once'::text, 'session'::text, 'always'::text]))),
    CONSTRAINT alert_rules_span_check CHECK ((span = ANY (ARRAY['20_sessions'::text, '52_weeks'::text]))),
    CONSTRAINT alert_rules_subject CHECK (((list_id IS NULL) OR (ticker IS NULL))),
    CONSTRAINT alert_rules_ticker_fkey FOREIGN KEY (ticker) REFERENCES tickers(ticker),
    CONSTRAINT alert_rules_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);

COMMENT ON COLUMN alert_rules.ticker IS 'NULL: those of the list, without a list every tracked ticker';

COMMENT ON COLUMN alert_rules.channel_ids IS 'Channels it uses; NULL: all of the account';

COMMENT ON COLUMN alert_rules.since IS 'Bars that ended earlier are not evaluated: time at which its condition was stated, or at which it was resumed';

COMMENT ON COLUMN alert_rules.stated_at IS 'Time at which its amount was stated: a price is on the scale of shares at that time';

COMMENT ON COLUMN alert_rules.list_id IS 'List of the account whose tickers it is about';

CREATE INDEX alert_rules_of_user ON alert_rules USING btree (user_id);

CREATE INDEX alert_rules_of_ticker ON alert_rules USING btree (ticker);

CREATE TABLE alert_firings (
    firing_id uuid NOT NULL DEFAULT gen_random_uuid(),
    rule_id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    ticker text NOT NULL,
    "interval" text NOT NULL,
    start timestamp with time zone NOT NULL,
    round integer NOT NULL,
    "end" timestamp with time zone NOT NULL,
    session date NOT NULL,
    period text NOT NULL,
    standing boolean NOT NULL,
    corrects uuid,
    condition jsonb NOT NULL,
    revision integer,
    source text,
    price numeric,
    value numeric,
    bound numeric,
    basis_at timestamp with time zone,
    detail text,
    fired_at timestamp with time zone NOT NULL,
    CONSTRAINT alert_firings_corrects_fkey FOREIGN KEY (corrects) REFERENCES alert_firings(firing_id) ON DELETE CASCADE,
    CONSTRAINT alert_firings_kind_check CHECK ((kind = ANY (ARRAY['fired'::text, 'corrected'::text]))),
    CONSTRAINT alert_firings_pkey PRIMARY KEY (firing_id),
    CONSTRAINT alert_firings_rule_id_fkey FOREIGN KEY (rule_id) REFERENCES alert_rules(rule_id) ON DELETE CASCADE,
    CONSTRAINT alert_firings_rule_id_ticker_interval_start_round_kind_key UNIQUE (rule_id, ticker, "interval", start, round, kind),
    CONSTRAINT alert_firings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);

COMMENT ON TABLE alert_firings IS 'Firings of rules: each bar once, and once more for each time that its revision undid it';

COMMENT ON COLUMN alert_firings.round IS 'Number of earlier corrections of the same rule and bar';

COMMENT ON COLUMN alert_firings.period IS 'In which the rule fires once: always, a session, or the bar';

COMMENT ON COLUMN alert_firings.standing IS 'Fired, not corrected since, and of the condition that the rule still has';

COMMENT ON COLUMN alert_firings.condition IS 'Condition of the rule at that time';

COMMENT ON COLUMN alert_firings.revision IS 'Revision of the bar that was evaluated; NULL: there was none';

COMMENT ON COLUMN alert_firings.value IS 'Figure that was compared: a price, percent, or times the usual volume';

COMMENT ON COLUMN alert_firings.bound IS 'Bound it was compared with: the price of the condition, that of the basis, or the extreme before';

CREATE UNIQUE INDEX alert_firings_standing ON alert_firings USING btree (rule_id, ticker, period) WHERE standing;

CREATE INDEX alert_firings_of_user ON alert_firings USING btree (user_id, fired_at, firing_id);

CREATE INDEX alert_firings_of_bar ON alert_firings USING btree (ticker, start) WHERE standing;

CREATE INDEX alert_firings_corrects ON alert_firings USING btree (corrects) WHERE (corrects IS NOT NULL);

CREATE TABLE alert_deliveries (
    delivery_id uuid NOT NULL DEFAULT gen_random_uuid(),
    firing_id uuid,
    channel_id uuid NOT NULL,
    user_id uuid NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamp with time zone NOT NULL,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    delivered_at timestamp with time zone,
    confirms boolean NOT NULL DEFAULT false,
    CONSTRAINT alert_deliveries_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES alert_channels(channel_id) ON DELETE CASCADE,
    CONSTRAINT alert_deliveries_firing_id_channel_id_key UNIQUE (firing_id, channel_id),
    CONSTRAINT alert_deliveries_firing_id_fkey FOREIGN KEY (firing_id) REFERENCES alert_firings(firing_id) ON DELETE CASCADE,
    CONSTRAINT alert_deliveries_pkey PRIMARY KEY (delivery_id),
    CONSTRAINT alert_deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text]))),
    CONSTRAINT alert_deliveries_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);

COMMENT ON COLUMN alert_deliveries.delivery_id IS 'Its text is the id of the message: the same at every attempt';

COMMENT ON COLUMN alert_deliveries.firing_id IS 'NULL: a message that tests the channel';

COMMENT ON COLUMN alert_deliveries.next_at IS 'From then on it may be tried; while a process tries it, when another one may';

COMMENT ON COLUMN alert_deliveries.confirms IS 'It brings the code that confirms an address';

CREATE INDEX alert_deliveries_due ON alert_deliveries USING btree (next_at) WHERE (state = 'pending'::text);

CREATE INDEX alert_deliveries_of_channel ON alert_deliveries USING btree (channel_id, created_at);

CREATE INDEX alert_deliveries_of_user ON alert_deliveries USING btree (user_id) WHERE (firing_id IS NULL);

CREATE TABLE bar_files (
    month date NOT NULL,
    fingerprint text NOT NULL,
    version bigint NOT NULL,
    rows bigint NOT NULL,
    tickers integer NOT NULL,
    first timestamp with time zone NOT NULL,
    last timestamp with time zone NOT NULL,
    bytes bigint NOT NULL,
    sha256 text NOT NULL,
    built_at timestamp with time zone NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT bar_files_month_check CHECK ((month = date_trunc('month'::text, (month)::timestamp without time zone))),
    CONSTRAINT bar_files_pkey PRIMARY KEY (month)
);

COMMENT ON TABLE bar_files IS 'Parquet file of the hourly bars of a month; written by files, can be built again at any time';

COMMENT ON COLUMN bar_files.fingerprint IS 'Fingerprint of the bars in it: another one means that the file is out of date';

COMMENT ON COLUMN bar_files.version IS 'Market version at which it was built';

CREATE OR REPLACE FUNCTION comparable_prices(of_ticker text, of_source text, of_start timestamp with time zone)
 RETURNS TABLE(open numeric, close numeric)
 LANGUAGE sql
 STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
 SELECT stored.open,
     stored.close
    FROM bars stored
   WHERE ((stored.ticker = comparable_prices.of_ticker) AND (stored."interval" = '1h'::text) AND (stored.start = comparable_prices.of_start) AND is_comparable(comparable_prices.of_ticker, comparable_prices.of_source, stored.source))
 UNION ALL
 ( SELECT past.open,
     past.close
    FROM (bars stored
      JOIN bar_revisions past USING (ticker, "interval", start))
   WHERE ((stored.ticker = comparable_prices.of_ticker) AND (stored."interval" = '1h'::text) AND (stored.start = comparable_prices.of_start) AND (NOT is_comparable(comparable_prices.of_ticker, comparable_prices.of_source, stored.source)) AND (past.source = comparable_prices.of_source))
   ORDER BY past.revision DESC
  LIMIT 1);
END
;

COMMENT ON FUNCTION comparable_prices(pg_catalog.text,pg_catalog.text,timestamp with time zone) IS 'Prices of a bar that can be compared with those of a source: as stored, or as that source gave them, as movers do it';

CREATE OR REPLACE FUNCTION extreme_before(of_ticker text, of_source text, from_start timestamp with time zone, before timestamp with time zone, side text, price numeric)
 RETURNS TABLE(is_new boolean, bound numeric)
 LANGUAGE sql
 STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
 SELECT
         CASE
             WHEN beyond.found THEN false
             WHEN (((whole.bars)::numeric >= (0.95 * (called.bars)::numeric)) AND (whole.comparable = whole.bars)) THEN true
             ELSE NULL::boolean
         END AS "case",
     COALESCE(whole.bound, beyond.price) AS "coalesce"
    FROM (((( SELECT true AS "?column?") one
      LEFT JOIN LATERAL ( SELECT true AS found,
                 CASE extreme_before.side
                     WHEN 'high'::text THEN bar.high
                     ELSE bar.low
                 END AS price
            FROM bars bar
           WHERE ((bar.ticker = extreme_before.of_ticker) AND (bar."interval" = '1h'::text) AND (bar.start >= extreme_before.from_start) AND (bar.start < extreme_before.before) AND
                 CASE extreme_before.side
                     WHEN 'high'::text THEN (bar.high >= extreme_before.price)
                     ELSE (bar.low <= extreme_before.price)
                 END)
           ORDER BY bar.start DESC
          LIMIT 1) beyond ON (true))
      LEFT JOIN LATERAL ( SELECT count(*) AS bars,
             count(*) FILTER (WHERE is_comparable(extreme_before.of_ticker, extreme_before.of_source, bar.source)) AS comparable,
                 CASE extreme_before.side
                     WHEN 'high'::text THEN max(bar.high)
                     ELSE min(bar.low)
                 END AS bound
            FROM bars bar
           WHERE ((beyond.found IS NULL) AND (bar.ticker = extreme_before.of_ticker) AND (bar."interval" = '1h'::text) AND (bar.start >= extreme_before.from_start) AND (bar.start < extreme_before.before))) whole ON (true))
      LEFT JOIN LATERAL ( SELECT sum(hours_of(session.opens, LEAST(session.closes, extreme_before.before))) AS bars
            FROM sessions session
           WHERE ((beyond.found IS NULL) AND (session.opens >= extreme_before.from_start) AND (session.opens < extreme_before.before))) called ON (true));
END
;

COMMENT ON FUNCTION extreme_before(pg_catalog.text,pg_catalog.text,timestamp with time zone,timestamp with time zone,pg_catalog.text,numeric) IS 'Whether a price is beyond every bar in [from_start, before), and the outermost of them; NULL where more than a twentieth of the bars is not stored, or some are of another source';

CREATE TABLE links (
    link_id uuid NOT NULL DEFAULT gen_random_uuid(),
    token_id uuid NOT NULL,
    hash bytea NOT NULL,
    name text NOT NULL,
    path text NOT NULL,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT links_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT links_hash_key UNIQUE (hash),
    CONSTRAINT links_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT links_path_check CHECK (((length(path) >= 2) AND (length(path) <= 2100))),
    CONSTRAINT links_pkey PRIMARY KEY (link_id),
    CONSTRAINT links_token_id_fkey FOREIGN KEY (token_id) REFERENCES tokens(token_id) ON DELETE CASCADE
);

COMMENT ON COLUMN links.hash IS 'Keyed hash of the secret together with path and parameters: the secret opens no other';

COMMENT ON COLUMN links.path IS 'Path below the root of the API, with its parameters, without the secret';

CREATE INDEX links_token_id_idx ON links USING btree (token_id);

CREATE UNIQUE INDEX alert_channels_of_target ON alert_channels USING btree (user_id, kind, target_key);

CREATE TABLE alert_confirmations (
    channel_id uuid NOT NULL,
    salt text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT alert_confirmations_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES alert_channels(channel_id) ON DELETE CASCADE,
    CONSTRAINT alert_confirmations_pkey PRIMARY KEY (channel_id)
);

COMMENT ON TABLE alert_confirmations IS 'Codes that wait for the reader of an address';

COMMENT ON COLUMN alert_confirmations.salt IS 'With API_TOKEN_SECRET it gives the code; the code itself is kept nowhere';

COMMENT ON COLUMN alert_confirmations.attempts IS 'Codes that were tried';

CREATE INDEX alert_rules_of_list ON alert_rules USING btree (list_id) WHERE (list_id IS NOT NULL);
