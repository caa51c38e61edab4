-- What alerts judge: the figures of final hourly bars, each against the same bases as those of movers.

ALTER TABLE alert_rules ADD COLUMN stated_at timestamptz;
UPDATE alert_rules SET stated_at = changed_at;
ALTER TABLE alert_rules ALTER COLUMN stated_at SET NOT NULL;
COMMENT ON COLUMN alert_rules.stated_at IS 'When its amount was stated: a price is on the scale of shares of then';

CREATE FUNCTION comparable_prices(of_ticker text, of_source text, of_start timestamptz)
    RETURNS TABLE (open numeric, close numeric)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT stored.open, stored.close
  FROM bars AS stored
 WHERE stored.ticker = of_ticker
   AND stored.interval = '1h'
   AND stored.start = of_start
   AND is_comparable(of_ticker, of_source, stored.source)
 UNION ALL
(SELECT past.open, past.close
   FROM bars AS stored
   JOIN bar_revisions AS past USING (ticker, interval, start)
  WHERE stored.ticker = of_ticker
    AND stored.interval = '1h'
    AND stored.start = of_start
    AND NOT is_comparable(of_ticker, of_source, stored.source)
    AND past.source = of_source
  ORDER BY past.revision DESC
  LIMIT 1);
END;
COMMENT ON FUNCTION comparable_prices(text, text, timestamptz) IS
    'Prices of a bar that can be compared with those of a source: as stored, or as that source gave them, as movers do it';

CREATE FUNCTION extreme_before(of_ticker text, of_source text, from_start timestamptz, before timestamptz, side text, price numeric)
    RETURNS TABLE (is_new boolean, bound numeric)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
-- Most bars are no extreme: the first one that is found beyond them, from the newest back, ends the search.
SELECT CASE WHEN beyond.found THEN false
            WHEN whole.bars >= 0.95 * called.bars AND whole.comparable = whole.bars THEN true END,
       coalesce(whole.bound, beyond.price)
  FROM (SELECT true) AS one
  LEFT JOIN LATERAL (SELECT true AS found, CASE side WHEN 'high' THEN bar.high ELSE bar.low END AS price
                       FROM bars AS bar
                      WHERE bar.ticker = of_ticker
                        AND bar.interval = '1h'
                        AND bar.start >= from_start
                        AND bar.start < before
                        AND CASE side WHEN 'high' THEN bar.high >= extreme_before.price
                                      ELSE bar.low <= extreme_before.price END
                      ORDER BY bar.start DESC
                      LIMIT 1) AS beyond ON true
  LEFT JOIN LATERAL (SELECT count(*) AS bars,
                            count(*) FILTER (WHERE is_comparable(of_ticker, of_source, bar.source)) AS comparable,
                            CASE side WHEN 'high' THEN max(bar.high) ELSE min(bar.low) END AS bound
                       FROM bars AS bar
                      WHERE beyond.found IS NULL
                        AND bar.ticker = of_ticker
                        AND bar.interval = '1h'
                        AND bar.start >= from_start
                        AND bar.start < before) AS whole ON true
  LEFT JOIN LATERAL (SELECT sum(hours_of(session.opens, least(session.closes, before))) AS bars
                       FROM sessions AS session
                      WHERE beyond.found IS NULL
                        AND session.opens >= from_start
                        AND session.opens < before) AS called ON true;
END;
COMMENT ON FUNCTION extreme_before(text, text, timestamptz, timestamptz, text, numeric) IS
    'Whether a price is beyond every bar in [from_start, before), and the outermost of them; NULL where more than a twentieth of the bars is not stored, or some are of another source';
