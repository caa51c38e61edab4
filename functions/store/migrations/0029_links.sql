-- Addresses that open one path with its parameters for a token, without showing the token: for spreadsheets, which send no header.
CREATE TABLE links (
    link_id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token_id   uuid NOT NULL REFERENCES tokens ON DELETE CASCADE,
    hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    path       text NOT NULL CHECK (length(path) BETWEEN 2 AND 2100),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON links (token_id);
COMMENT ON COLUMN links.hash IS 'Keyed hash of the secret together with path and parameters: the secret opens no other';
COMMENT ON COLUMN links.path IS 'Path below the root of the API, with its parameters, without the secret';
