-- The market epoch follows the clock, in milliseconds: a database that was restored from a backup goes on with numbers that
-- the lost time has not used, and no answer kept from then is taken for one of now.

CREATE FUNCTION raise_epoch() RETURNS bigint LANGUAGE sql AS $$
    UPDATE market_epoch
       SET epoch = GREATEST(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    RETURNING epoch
$$;
COMMENT ON FUNCTION raise_epoch IS 'As the last statement of a transaction that changes market data: it locks the row until the commit';
