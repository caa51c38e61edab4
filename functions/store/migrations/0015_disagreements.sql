-- Two sources of one bar: where a second provider's answer differs beyond a tolerance.

CREATE TABLE disagreements (
    ticker             text        NOT NULL REFERENCES tickers,
    interval           text        NOT NULL,
    start              timestamptz NOT NULL,
    field              text        NOT NULL CHECK (field IN ('open', 'high', 'low', 'close', 'volume')),
    source             text        NOT NULL,
    other_source       text        NOT NULL,
    value              numeric     NOT NULL,
    other_value        numeric     NOT NULL,
    difference_percent numeric     GENERATED ALWAYS AS (round((other_value - value) * 100 / nullif(value, 0), 4)) STORED,
    tolerance_percent  numeric     NOT NULL,
    found_at           timestamptz NOT NULL,
    compared_at        timestamptz NOT NULL,
    resolved_at        timestamptz,
    trace_id           text,
    PRIMARY KEY (ticker, interval, start, field, other_source)
);
CREATE INDEX disagreements_by_start ON disagreements (start DESC, ticker, field, other_source);
COMMENT ON TABLE disagreements IS 'Figures of stored bars from which another source differs beyond the tolerance; the same comparison again is the same row';
COMMENT ON COLUMN disagreements.source IS 'That of the stored bar when they were compared';
COMMENT ON COLUMN disagreements.resolved_at IS 'When a later comparison found both within the tolerance; NULL: they still differ';

CREATE TABLE comparisons (
    ticker       text           NOT NULL REFERENCES tickers,
    interval     text           NOT NULL,
    other_source text           NOT NULL,
    compared     tstzmultirange NOT NULL,
    compared_at  timestamptz    NOT NULL,
    PRIMARY KEY (ticker, interval, other_source)
);
COMMENT ON TABLE comparisons IS 'Where the stored bars were compared with those of another source: what is not in disagreements agrees';
