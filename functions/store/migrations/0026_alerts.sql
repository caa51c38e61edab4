-- Alerts: rules of accounts, what they fired, and its deliveries. One writer (alerts); all of it goes with the account.

ALTER TABLE tokens
    DROP CONSTRAINT tokens_scopes_check,
    ADD CONSTRAINT tokens_scopes_check CHECK (scopes <@ '{read,account,alerts}' AND cardinality(scopes) > 0);
-- A login has every scope: one that was given before this release has this one too.
UPDATE tokens SET scopes = scopes || '{alerts}' WHERE is_login AND scopes @> '{read,account}' AND NOT scopes @> '{alerts}';

CREATE TABLE alert_channels (
    channel_id    uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    kind          text        NOT NULL CHECK (kind IN ('webhook', 'webpush', 'email', 'slack', 'discord', 'telegram', 'ntfy')),
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    target        text        NOT NULL CHECK (length(target) BETWEEN 1 AND 4000),
    salt          text        NOT NULL,
    key_id        text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('unconfirmed', 'active', 'disabled')),
    failures      integer     NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_error    text,
    delivered_at  timestamptz,
    created_at    timestamptz NOT NULL
);
CREATE INDEX alert_channels_of_user ON alert_channels (user_id);
COMMENT ON COLUMN alert_channels.target IS 'Where it leads: an address, or a subscription as JSON';
COMMENT ON COLUMN alert_channels.salt IS 'With API_TOKEN_SECRET it gives the secret that signs; the secret itself is kept nowhere';
COMMENT ON COLUMN alert_channels.key_id IS 'Generation of API_TOKEN_SECRET when the secret was shown';
COMMENT ON COLUMN alert_channels.failures IS 'Failed attempts since the last delivery';

CREATE TABLE alert_rules (
    rule_id     uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    ticker      text        REFERENCES tickers,
    kind        text        NOT NULL CHECK (kind IN ('price', 'change', 'volume', 'extreme', 'insight', 'missing')),
    direction   text        CHECK (direction IN ('above', 'below', 'up', 'down', 'any', 'high', 'low')),
    basis       text        CHECK (basis IN ('previous_close', 'session_open')),
    span        text        CHECK (span IN ('20_sessions', '52_weeks')),
    amount      numeric     CHECK (amount > 0),
    repeat      text        NOT NULL CHECK (repeat IN ('once', 'session', 'always')),
    channel_ids uuid[],
    paused      boolean     NOT NULL DEFAULT false,
    since       timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL
);
CREATE INDEX alert_rules_of_user ON alert_rules (user_id);
CREATE INDEX alert_rules_of_ticker ON alert_rules (ticker);
COMMENT ON COLUMN alert_rules.ticker IS 'NULL: every tracked ticker';
COMMENT ON COLUMN alert_rules.channel_ids IS 'Channels it uses; NULL: all of the account';
COMMENT ON COLUMN alert_rules.since IS 'Bars that ended before are not judged: when its condition was stated, or when it was resumed';

CREATE TABLE alert_firings (
    firing_id uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    rule_id   uuid        NOT NULL REFERENCES alert_rules ON DELETE CASCADE,
    user_id   uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    kind      text        NOT NULL CHECK (kind IN ('fired', 'corrected')),
    ticker    text        NOT NULL,
    interval  text        NOT NULL,
    start     timestamptz NOT NULL,
    round     integer     NOT NULL,
    "end"     timestamptz NOT NULL,
    session   date        NOT NULL,
    period    text        NOT NULL,
    standing  boolean     NOT NULL,
    corrects  uuid        REFERENCES alert_firings ON DELETE CASCADE,
    condition jsonb       NOT NULL,
    revision  integer,
    source    text,
    price     numeric,
    value     numeric,
    bound     numeric,
    basis_at  timestamptz,
    detail    text,
    fired_at  timestamptz NOT NULL,
    UNIQUE (rule_id, ticker, interval, start, round, kind)
);
CREATE UNIQUE INDEX alert_firings_standing ON alert_firings (rule_id, ticker, period) WHERE standing;
CREATE INDEX alert_firings_of_user ON alert_firings (user_id, fired_at, firing_id);
CREATE INDEX alert_firings_of_bar ON alert_firings (ticker, start) WHERE standing;
CREATE INDEX alert_firings_corrects ON alert_firings (corrects) WHERE corrects IS NOT NULL;
COMMENT ON TABLE alert_firings IS 'What rules told of: each bar once, and once more for each time that its revision undid it';
COMMENT ON COLUMN alert_firings.round IS 'How often the same rule and bar were corrected before';
COMMENT ON COLUMN alert_firings.period IS 'In which the rule fires once: always, a session, or the bar';
COMMENT ON COLUMN alert_firings.standing IS 'Fired, not corrected since, and of the condition that the rule still has';
COMMENT ON COLUMN alert_firings.condition IS 'What the rule asked for then';
COMMENT ON COLUMN alert_firings.revision IS 'Of the bar as it was judged; NULL: there was none';
COMMENT ON COLUMN alert_firings.value IS 'The figure that was judged: a price, percent, or times the usual volume';
COMMENT ON COLUMN alert_firings.bound IS 'What it was judged against: the price asked for, that of the basis, or the extreme before';

CREATE TABLE alert_deliveries (
    delivery_id  uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    firing_id    uuid        REFERENCES alert_firings ON DELETE CASCADE,
    channel_id   uuid        NOT NULL REFERENCES alert_channels ON DELETE CASCADE,
    user_id      uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    state        text        NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts     integer     NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL,
    last_error   text,
    created_at   timestamptz NOT NULL,
    delivered_at timestamptz,
    UNIQUE (firing_id, channel_id)
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE state = 'pending';
CREATE INDEX alert_deliveries_of_channel ON alert_deliveries (channel_id, created_at);
CREATE INDEX alert_deliveries_of_user ON alert_deliveries (user_id) WHERE firing_id IS NULL;
COMMENT ON COLUMN alert_deliveries.delivery_id IS 'Its text is the id of the message: the same at every attempt';
COMMENT ON COLUMN alert_deliveries.firing_id IS 'NULL: a message that tests the channel';
COMMENT ON COLUMN alert_deliveries.next_at IS 'From then on it may be tried; while a process tries it, when another one may';

-- One definition of the usual volume, for movers and alerts.
CREATE FUNCTION usual_volume(of_ticker text, of_source text, of_opens timestamptz, first timestamptz, last timestamptz,
                             last_end timestamptz, hours integer)
    RETURNS TABLE (sessions bigint, volume numeric)
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT count(*), avg(day.volume)
  FROM (SELECT known.opens, known.closes
          FROM sessions AS known
         WHERE known.opens < of_opens
         ORDER BY known.opens DESC
         LIMIT 20) AS session
 CROSS JOIN LATERAL (
       SELECT sum(hour.volume) AS volume
         FROM bars AS hour
        WHERE hour.ticker = of_ticker
          AND hour.interval = '1h'
          AND hour.start BETWEEN session.opens + (first - of_opens) AND session.opens + (last - of_opens)
       HAVING count(hour.volume) FILTER (WHERE hour.source = of_source) = hours) AS day
 WHERE session.opens + (last_end - of_opens) <= session.closes
   AND of_ticker NOT IN (SELECT left_out_tickers.ticker FROM left_out_tickers);
END;
COMMENT ON FUNCTION usual_volume(text, text, timestamptz, timestamptz, timestamptz, timestamptz, integer) IS
    'Average volume of the same hours in those of the 20 sessions before that are whole and of the same source';

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
  LEFT JOIN LATERAL usual_volume(bar.ticker, bar.source, bar.opens, span.first, bar.start, bar."end", span.hours)
            AS usual ON true;
