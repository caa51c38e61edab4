-- One database role for each function, with the rights on its own tables alone: psql "$DATABASE_URL" -f roles.sql
--
-- Optional. Run it as a role that may create roles (the owner of the schema often may not), after each migration. Then
-- make a user for each function and give the function its own DATABASE_URL:
--     CREATE USER api LOGIN PASSWORD '...' IN ROLE stocksalot_api;
-- The migration keeps the owner's. Running it again changes nothing.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['stocksalot_ingest', 'stocksalot_store', 'stocksalot_api', 'stocksalot_insights',
                                'stocksalot_token', 'stocksalot_alerts', 'stocksalot_files'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', name);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
    END LOOP;
END
$$;

-- Market data: written by store alone.
GRANT SELECT ON sessions, tickers, companies, bars, bar_revisions, rejected_bars, asked_windows, market_epoch,
      disagreements, comparisons, splits, source_overlaps, withdrawals, withdrawn_bars, calendar_closings
   TO stocksalot_ingest, stocksalot_api, stocksalot_insights;
GRANT SELECT ON installation
   TO stocksalot_ingest, stocksalot_store, stocksalot_api, stocksalot_insights, stocksalot_token, stocksalot_alerts,
      stocksalot_files;
GRANT SELECT ON dead_letters, store_totals, hourly_bars, profiles, newest_bars, mover_figures, movers, left_out_tickers
   TO stocksalot_api, stocksalot_insights;
GRANT SELECT, INSERT, UPDATE, DELETE
   ON sessions, tickers, companies, bars, bar_revisions, rejected_bars, asked_windows, market_epoch, dead_letters,
      store_totals, disagreements, comparisons, splits, source_overlaps, withdrawals, withdrawn_bars, calendar_closings
   TO stocksalot_store;
GRANT SELECT ON hourly_bars, profiles, newest_bars, mover_figures, movers, left_out_tickers, migrations
   TO stocksalot_store;

-- Insights: written by insights alone.
GRANT SELECT, INSERT, UPDATE, DELETE ON insight_hours, insights, insight_facts, insight_model_calls, insight_model_runs
   TO stocksalot_insights;
GRANT SELECT ON insight_hours, insight_model_runs TO stocksalot_api;
-- For /metrics.
GRANT SELECT ON insight_hours, insight_model_runs TO stocksalot_store;
GRANT SELECT ON insight_figures TO stocksalot_insights;
GRANT UPDATE ON market_epoch TO stocksalot_insights;

-- Accounts: written by token alone. Other functions verify tokens and see neither addresses nor passwords.
GRANT SELECT, INSERT, UPDATE, DELETE ON users, tokens, lists, list_tickers, links TO stocksalot_token;
GRANT SELECT ON tickers TO stocksalot_token;
GRANT SELECT ON lists, list_tickers TO stocksalot_api, stocksalot_insights;
GRANT SELECT ON alert_firings TO stocksalot_api;
GRANT SELECT (token_id, hash, expires_at) ON links TO stocksalot_api, stocksalot_insights;
GRANT SELECT (token_id, user_id, hash, scopes, expires_at, revoked_at, invalidated_at) ON tokens
   TO stocksalot_api, stocksalot_insights, stocksalot_alerts, stocksalot_files;

-- Alerts: written by alerts alone, which evaluates bars and insights.
GRANT SELECT, INSERT, UPDATE, DELETE
   ON alert_rules, alert_channels, alert_confirmations, alert_firings, alert_deliveries
   TO stocksalot_alerts;
GRANT SELECT ON sessions, tickers, bars, bar_revisions, splits, source_overlaps, market_epoch, hourly_bars, left_out_tickers,
      insight_hours, insights, lists, list_tickers
   TO stocksalot_alerts;

-- Files of bars by month: written by files alone.
GRANT SELECT, INSERT, UPDATE, DELETE ON bar_files TO stocksalot_files;
GRANT SELECT ON sessions, tickers, bars, market_epoch TO stocksalot_files;
