-- What is told of each hour: one writer (insights). The newest revision of an hour is served; what was told before, of
-- bars that changed since or while some were missing, is kept.

CREATE TABLE insight_hours (
    start             timestamptz NOT NULL,
    revision          integer     NOT NULL CHECK (revision >= 0),
    "end"             timestamptz NOT NULL,
    session           date        NOT NULL,
    complete          boolean     NOT NULL,
    missing           text[]      NOT NULL,
    generator         text        NOT NULL CHECK (generator IN ('rules', 'model', 'mixed')),
    model             text,
    verdicts          jsonb       NOT NULL,
    prompt_tokens     integer,
    completion_tokens integer,
    sources           text[]      NOT NULL,
    trace_id          text,
    written_at        timestamptz NOT NULL,
    PRIMARY KEY (start, revision)
);
CREATE INDEX ON insight_hours (session, start);
COMMENT ON COLUMN insight_hours.start IS 'Of the hourly bar that is told of';
COMMENT ON COLUMN insight_hours.missing IS 'Active tickers that had no bar of this hour when it was written';
COMMENT ON COLUMN insight_hours.verdicts IS 'What each call of the model came to, and what was wrong with what it wrote';

CREATE TABLE insights (
    start     timestamptz NOT NULL,
    revision  integer     NOT NULL,
    place     integer     NOT NULL,
    template  text        NOT NULL,
    insight   text        NOT NULL,
    sentiment text        NOT NULL CHECK (sentiment IN ('positive', 'negative', 'neutral')),
    tickers   text[]      NOT NULL,
    generator text        NOT NULL CHECK (generator IN ('rules', 'model')),
    PRIMARY KEY (start, revision, place),
    FOREIGN KEY (start, revision) REFERENCES insight_hours
);
COMMENT ON COLUMN insights.template IS 'The sentence with a slot {f12} for each figure';

CREATE TABLE insight_facts (
    start     timestamptz   NOT NULL,
    revision  integer       NOT NULL,
    place     integer       NOT NULL,
    number    integer       NOT NULL,
    id        text          NOT NULL,
    metric    text          NOT NULL,
    ticker    text,
    basis     text,
    value     numeric       NOT NULL,
    unit      text          NOT NULL,
    text      text          NOT NULL,
    direction text CHECK (direction IN ('up', 'down')),
    link      text          NOT NULL,
    tickers   text[]        NOT NULL,
    starts    timestamptz[] NOT NULL,
    fields    text[]        NOT NULL,
    digest    text          NOT NULL,
    PRIMARY KEY (start, revision, place, number),
    FOREIGN KEY (start, revision, place) REFERENCES insights
);
COMMENT ON COLUMN insight_facts.starts IS 'With tickers and fields: the exact bars that the figure rests on';
COMMENT ON COLUMN insight_facts.digest IS 'Of what those bars said then: bars_digest of the same bars says whether they still do';

CREATE TABLE insight_model_calls (
    start timestamptz PRIMARY KEY,
    calls integer     NOT NULL
);
COMMENT ON TABLE insight_model_calls IS 'Counted before each call, so that no crash and no second event makes more of them than allowed';

CREATE FUNCTION bars_digest(of_tickers text[], of_starts timestamptz[], of_fields text[]) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT md5(string_agg(concat_ws(' ', bar.ticker, extract(epoch FROM bar.start)::bigint,
                                CASE WHEN 'open' = ANY (of_fields) THEN trim_scale(bar.open) END,
                                CASE WHEN 'high' = ANY (of_fields) THEN trim_scale(bar.high) END,
                                CASE WHEN 'low' = ANY (of_fields) THEN trim_scale(bar.low) END,
                                CASE WHEN 'close' = ANY (of_fields) THEN trim_scale(bar.close) END,
                                CASE WHEN 'volume' = ANY (of_fields) THEN bar.volume END),
                      ';' ORDER BY bar.ticker COLLATE "C", bar.start))
  FROM bars AS bar
 WHERE bar.ticker = ANY (of_tickers)
   AND bar.interval = '1h'
   AND bar.start = ANY (of_starts);
END;
COMMENT ON FUNCTION bars_digest IS 'What the given fields of the hourly bars of all tickers at all starts say now, in 32 digits';

CREATE VIEW insight_figures AS
SELECT fact.*, fact.digest IS DISTINCT FROM bars_digest(fact.tickers, fact.starts, fact.fields) AS superseded
  FROM insight_facts AS fact;
COMMENT ON COLUMN insight_figures.superseded IS 'The bars behind the figure have changed since it was written';
