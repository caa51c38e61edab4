-- A ticker that is no longer tracked says since when, and under which name it goes on.

ALTER TABLE tickers ADD COLUMN ended_on date, ADD COLUMN renamed_to text REFERENCES tickers;
COMMENT ON COLUMN tickers.ended_on IS 'The day in New York on which it was removed from the list; null while it is active';
COMMENT ON COLUMN tickers.renamed_to IS 'The ticker that holds its history';
