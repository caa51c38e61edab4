-- Why an hour's figures leave out a ticker that has its bar.

ALTER TABLE insight_hours ADD COLUMN left_out jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN insight_hours.left_out IS 'Tickers with a bar that figures leave out, with the reason: split or source-changed';
