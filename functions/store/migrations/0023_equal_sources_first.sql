-- Postgres puts a function without a subquery in place of its call. So two equal sources, as nearly always, are compared
-- by an operator, and only two different ones by a call.
CREATE FUNCTION agree(of_ticker text, one text, two text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (SELECT
                     FROM source_overlaps AS overlap
                    WHERE overlap.ticker = agree.of_ticker
                      AND ((overlap.source = agree.one AND overlap.other = agree.two)
                           OR (overlap.source = agree.two AND overlap.other = agree.one))
                      AND overlap.deviation <= 0.005);

COMMENT ON FUNCTION agree IS 'Whether two sources differed by half a percent at most where both gave a bar';

CREATE OR REPLACE FUNCTION is_comparable(of_ticker text, one text, two text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN one = two OR agree(of_ticker, one, two);
