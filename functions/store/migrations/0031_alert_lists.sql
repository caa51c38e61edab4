-- Rules about the stocks of a list: each by itself, those that are in it at the time. A rule ends with its list.
ALTER TABLE alert_rules ADD COLUMN list_id uuid REFERENCES lists ON DELETE CASCADE;
ALTER TABLE alert_rules ADD CONSTRAINT alert_rules_subject CHECK (list_id IS NULL OR ticker IS NULL);
CREATE INDEX alert_rules_of_list ON alert_rules (list_id) WHERE list_id IS NOT NULL;
COMMENT ON COLUMN alert_rules.ticker IS 'NULL: those of the list, without a list every tracked ticker';
COMMENT ON COLUMN alert_rules.list_id IS 'List of the account whose tickers it is about';
