-- Channels of every kind: web push, mail to an address that is confirmed first, and services that Apprise knows.
ALTER TABLE alert_channels DROP CONSTRAINT alert_channels_kind_check;
ALTER TABLE alert_channels ADD CONSTRAINT alert_channels_kind_check CHECK (kind IN ('webhook', 'push', 'email', 'apprise'));
ALTER TABLE alert_channels ADD COLUMN shown text;
ALTER TABLE alert_channels ADD COLUMN target_key text;
ALTER TABLE alert_channels ADD COLUMN confirmed_at timestamptz;
CREATE UNIQUE INDEX alert_channels_of_target ON alert_channels (user_id, kind, target_key);
COMMENT ON COLUMN alert_channels.target IS 'Where it leads: the address of a webhook or of mail; of other kinds encrypted, as it holds secrets';
COMMENT ON COLUMN alert_channels.shown IS 'Where it leads in words, without secrets; NULL: made of the target';
COMMENT ON COLUMN alert_channels.target_key IS 'The same browser or address is one channel of an account: a hash of the endpoint, or the address; NULL for other kinds';
COMMENT ON COLUMN alert_channels.confirmed_at IS 'When the reader of an address confirmed it; NULL: not, or unsubscribed since';

CREATE TABLE alert_confirmations (
    channel_id uuid        PRIMARY KEY REFERENCES alert_channels ON DELETE CASCADE,
    salt       text        NOT NULL,
    expires_at timestamptz NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0
);
COMMENT ON TABLE alert_confirmations IS 'Codes that wait for the reader of an address';
COMMENT ON COLUMN alert_confirmations.salt IS 'With API_TOKEN_SECRET it gives the code; the code itself is kept nowhere';
COMMENT ON COLUMN alert_confirmations.attempts IS 'Codes that were tried';

ALTER TABLE alert_deliveries ADD COLUMN confirms boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN alert_deliveries.confirms IS 'It brings the code that confirms an address';
