-- Files of bars by month, as functions/files serves them.

CREATE TABLE bar_files (
    month date PRIMARY KEY CHECK (month = date_trunc('month', month::timestamp)),
    fingerprint text NOT NULL,
    version bigint NOT NULL,
    rows bigint NOT NULL,
    tickers integer NOT NULL,
    first timestamptz NOT NULL,
    last timestamptz NOT NULL,
    bytes bigint NOT NULL,
    sha256 text NOT NULL,
    built_at timestamptz NOT NULL,
    content bytea NOT NULL
);
-- Compressed already, and read in ranges.
ALTER TABLE bar_files ALTER COLUMN content SET STORAGE EXTERNAL;

COMMENT ON TABLE bar_files IS 'Parquet file of the hourly bars of a month; written by files, can be built again at any time';
COMMENT ON COLUMN bar_files.fingerprint IS 'Of the bars in it: another one means that the file is out of date';
COMMENT ON COLUMN bar_files.version IS 'Market version at which it was built';
