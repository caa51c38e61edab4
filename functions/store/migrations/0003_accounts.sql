-- Accounts and their API tokens: one writer (token), read by every function that answers people.
-- A copy of these tables opens nothing: passwords are argon2id hashes, tokens are HMACs under a key that is not in here.

CREATE TABLE users (
    user_id       uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    email         text        NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    username      text        CHECK (length(username) BETWEEN 1 AND 64),
    username_key  text        UNIQUE CHECK ((username IS NULL) = (username_key IS NULL)),
    password_hash text        NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    created_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN users.email IS 'Normalised: what two spellings of one address have in common';
COMMENT ON COLUMN users.username_key IS 'Normalised likewise; username is as its owner writes it';

CREATE TABLE tokens (
    token_id    uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    hash        bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    is_login    boolean     NOT NULL DEFAULT false,
    scopes      text[]      NOT NULL CHECK (scopes <@ '{read,account}' AND cardinality(scopes) > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL CHECK (expires_at >= created_at),
    used_at     timestamptz,
    revoked_at  timestamptz,
    replaced_by uuid        REFERENCES tokens ON DELETE SET NULL
);
COMMENT ON COLUMN tokens.hash IS 'HMAC-SHA-256 of the token under API_TOKEN_SECRET; the token itself is kept nowhere';
COMMENT ON COLUMN tokens.is_login IS 'Given for a password, not made by name; of these only the newest stay valid';
COMMENT ON COLUMN tokens.used_at IS 'When it was last used, as of the last time its owner looked; readers note it in Redis';
COMMENT ON COLUMN tokens.replaced_by IS 'The token that takes its place: this one ends when the overlap does';

CREATE INDEX tokens_of_user ON tokens (user_id, created_at);
CREATE INDEX tokens_replaced ON tokens (replaced_by) WHERE replaced_by IS NOT NULL;
