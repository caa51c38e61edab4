-- Named lists of tickers of an account. A ticker is a row of its own, so that two devices that add tickers at once both keep theirs.
CREATE TABLE lists (
    list_id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    name_key   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, name_key)
);
COMMENT ON COLUMN lists.name_key IS 'The name as names are compared: normalised, without case';

CREATE TABLE list_tickers (
    list_id  uuid NOT NULL REFERENCES lists ON DELETE CASCADE,
    ticker   text NOT NULL REFERENCES tickers,
    position integer NOT NULL,
    PRIMARY KEY (list_id, ticker)
);
