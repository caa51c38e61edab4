-- A token carries the generation of the key that it is hashed with, so that a change of API_TOKEN_SECRET is visible.

ALTER TABLE tokens ADD COLUMN key_id text, ADD COLUMN invalidated_at timestamptz;
COMMENT ON COLUMN tokens.key_id IS 'Generation of the key: a hash of API_TOKEN_SECRET; null until the next use of the account';
COMMENT ON COLUMN tokens.invalidated_at IS 'When API_TOKEN_SECRET was found changed: the token stays invalid under the old key too';

CREATE INDEX tokens_by_key ON tokens (key_id) WHERE revoked_at IS NULL AND invalidated_at IS NULL;
