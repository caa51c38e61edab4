-- Market data: one writer (store), many readers. Instants are UTC, prices USD, volumes shares.

CREATE TABLE sessions (
    date   date        PRIMARY KEY,
    opens  timestamptz NOT NULL UNIQUE,
    closes timestamptz NOT NULL CHECK (opens < closes)
);
COMMENT ON TABLE sessions IS 'Trading days of the New York Stock Exchange; written by the migration';

CREATE TABLE tickers (
    ticker text    PRIMARY KEY CHECK (ticker ~ '^[A-Z][A-Z0-9.-]{0,14}$'),
    name   text    NOT NULL,
    active boolean NOT NULL DEFAULT true
);
COMMENT ON COLUMN tickers.active IS 'Fetched and shown; the bars of an inactive ticker are kept';

CREATE TABLE companies (
    ticker              text PRIMARY KEY REFERENCES tickers,
    name                text NOT NULL,
    exchange            text,
    industry            text,
    country             text,
    currency            text,
    ipo                 date,
    website             text,
    logo                text,
    phone               text,
    market_cap_millions numeric,
    shares_millions     numeric,
    source              text        NOT NULL,
    fetched_at          timestamptz NOT NULL
);

-- No foreign key to tickers: store rejects a ticker it does not know, and a check by the row would double an insert's cost.
CREATE TABLE bars (
    ticker      text        NOT NULL,
    interval    text        NOT NULL,
    start       timestamptz NOT NULL,
    open        numeric     NOT NULL,
    high        numeric     NOT NULL,
    low         numeric     NOT NULL,
    close       numeric     NOT NULL,
    volume      bigint,
    source      text        NOT NULL,
    revision    integer     NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL,
    seen_at     timestamptz,
    PRIMARY KEY (ticker, interval, start),
    CHECK (0 < low AND low <= least(open, close) AND greatest(open, close) <= high),
    CHECK (volume >= 0)
);
COMMENT ON COLUMN bars.volume IS 'NULL: the source had none';
COMMENT ON COLUMN bars.source IS 'The most trusted source that gave these values';
COMMENT ON COLUMN bars.revision IS 'How many older or less trusted versions bar_revisions holds';
COMMENT ON COLUMN bars.received_at IS 'When this revision was first fetched';
COMMENT ON COLUMN bars.seen_at IS 'When a later fetch last gave the same values; NULL: none did. An older fetch that arrives late ranks below it';

CREATE TABLE bar_revisions (
    ticker        text        NOT NULL,
    interval      text        NOT NULL,
    start         timestamptz NOT NULL,
    revision      integer     NOT NULL,
    open          numeric     NOT NULL,
    high          numeric     NOT NULL,
    low           numeric     NOT NULL,
    close         numeric     NOT NULL,
    volume        bigint,
    source        text        NOT NULL,
    received_at   timestamptz NOT NULL,
    seen_at       timestamptz,
    superseded_at timestamptz NOT NULL,
    PRIMARY KEY (ticker, interval, start, revision),
    FOREIGN KEY (ticker, interval, start) REFERENCES bars
);
COMMENT ON TABLE bar_revisions IS 'What a bar said before it was revised, and what less trusted or late fetches said of it';
COMMENT ON COLUMN bar_revisions.superseded_at IS 'When the next revision was fetched; before received_at if this one was never current';

CREATE TABLE rejected_bars (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticker      text        NOT NULL,
    interval    text        NOT NULL,
    start       timestamptz NOT NULL,
    reason      text        NOT NULL,
    detail      text        NOT NULL DEFAULT '',
    bar         jsonb       NOT NULL,
    source      text        NOT NULL,
    event_id    text        NOT NULL,
    trace_id    text,
    received_at timestamptz NOT NULL,
    digest      text        NOT NULL GENERATED ALWAYS AS (md5(bar::text)) STORED,
    UNIQUE (ticker, interval, start, reason, digest)
);
COMMENT ON COLUMN rejected_bars.reason IS 'A short stable code; detail says it for people, with figures';
COMMENT ON TABLE rejected_bars IS 'Bars that were not believed, each once, with the reason; the same bar sent again is the same row';

CREATE TABLE asked_windows (
    ticker   text            NOT NULL REFERENCES tickers,
    interval text            NOT NULL,
    settled  tstzmultirange  NOT NULL DEFAULT '{}',
    asked_at timestamptz     NOT NULL,
    trace_id text,
    PRIMARY KEY (ticker, interval)
);
COMMENT ON COLUMN asked_windows.settled IS 'Where a provider was asked late enough: a bar missing here is one that it does not have';
COMMENT ON COLUMN asked_windows.asked_at IS 'When a provider last answered for this ticker';

CREATE TABLE dead_letters (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text        NOT NULL,
    event_id    text        NOT NULL,
    type        text        NOT NULL,
    attributes  jsonb       NOT NULL,
    data        bytea       NOT NULL,
    reason      text        NOT NULL,
    arrivals    integer     NOT NULL DEFAULT 1,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    UNIQUE (source, event_id, type)
);
COMMENT ON TABLE dead_letters IS 'Events that could not be dealt with, each once, whole, with the reason';

CREATE TABLE market_epoch (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    epoch   bigint  NOT NULL
);
INSERT INTO market_epoch (epoch) VALUES (1);
COMMENT ON TABLE market_epoch IS 'One row; grows with every transaction that changes market data';
