-- Keys in Redis begin with the identity of the database that they are of, so that installations may share a Redis.

CREATE TABLE installation (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    id      uuid    NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO installation DEFAULT VALUES;
COMMENT ON TABLE installation IS 'One row: the identity of this database. A copy that is to live beside it needs another one';
