"""prune: what ended before an instant goes, all else stays."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from functions.store.prune import STATEMENTS, parse_days, prune
from shared.runtime import clock
from tests.reading import Bar, at, put

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def test_only_what_ended_before_is_deleted(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each table the old row goes and the new one stays, also under a clock that is a year ahead; bars, accounts,
    messages that wait and the firings of rules that fire once stay; again changes nothing."""
    put(database_url, [Bar("AAPL", at("2024-11-20 20:30"), revision=2)])
    with psycopg.connect(database_url) as connection:
        for number, then in enumerate(("2025-12-31", "2026-01-01")):
            connection.execute(
                f"""
                INSERT INTO rejected_bars (ticker, interval, start, reason, bar, source, event_id, received_at)
                VALUES ('AAPL', '1h', '{then}', 'x', '{{}}', 'x', 'x', '{then}Z');
                INSERT INTO bar_revisions (ticker, interval, start, revision, open, high, low, close, source,
                                           received_at, superseded_at)
                SELECT ticker, interval, start, {number}, open, high, low, close, source, received_at, '{then}Z'
                  FROM bars;
                INSERT INTO dead_letters (source, event_id, type, attributes, data, reason, first_at, last_at)
                VALUES ('/x', '{number}', 'y', '{{}}', '', 'z', '{then}Z', '{then}Z');
                INSERT INTO insight_model_calls (start, calls) VALUES ('{then}Z', 1);
                INSERT INTO users (email, password_hash) VALUES ('{number}@example.com', '$argon2id$');
                INSERT INTO tokens (user_id, hash, name, scopes, created_at, expires_at)
                SELECT user_id, decode(md5('{number}') || md5('{number}'), 'hex'), 'a', '{{read}}', '2025-01-01',
                       '{then}Z'
                  FROM users WHERE email LIKE '{number}@%';
                INSERT INTO alert_rules (user_id, kind, repeat, since, stated_at, created_at, changed_at)
                SELECT user_id, 'missing', 'once', now(), now(), now(), now()
                  FROM users WHERE email LIKE '{number}@%';
                INSERT INTO alert_channels (user_id, kind, name, target, salt, key_id, state, created_at)
                SELECT user_id, 'webhook', 'x', 'x', 'x', 'x', 'active', now()
                  FROM users WHERE email LIKE '{number}@%';
                INSERT INTO alert_firings (rule_id, user_id, kind, ticker, interval, start, round, "end", session,
                                           period, standing, condition, fired_at)
                SELECT rule_id, user_id, 'fired', 'AAPL', '1h', '{then}Z', round, '{then}Z', '{then}',
                       CASE round WHEN 0 THEN 'once' ELSE '{then}' END, true, '{{}}', '{then}Z'
                  FROM alert_rules JOIN users USING (user_id), generate_series(0, 1) AS round
                 WHERE email LIKE '{number}@%';
                INSERT INTO alert_deliveries (channel_id, user_id, state, next_at, created_at)
                SELECT channel_id, user_id, given.state, '{then}Z', '{then}Z'
                  FROM alert_channels JOIN users USING (user_id), unnest('{{pending,failed}}'::text[]) AS given (state)
                 WHERE email LIKE '{number}@%';
                """.encode()
            )

    ahead = timedelta(days=365)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime.now(UTC) + ahead)
        first = prune(database_url, BEFORE + ahead - timedelta(minutes=1))
    second = prune(database_url, BEFORE)

    alerts = {"alert_firings", "alert_deliveries"}
    seeded = {"rejected_bars", "bar_revisions", "dead_letters", "insight_model_calls", "tokens"} | alerts
    assert first == {table: int(table in seeded) for table in STATEMENTS}
    assert set(second.values()) == {0}
    with psycopg.connect(database_url) as connection:
        counts = connection.execute("SELECT (SELECT count(*) FROM bars), (SELECT count(*) FROM users)").fetchone()
    assert counts == (1, 2)


@pytest.mark.parametrize("argument", ["29", "-1", "0", "x", ""])
def test_an_age_that_would_delete_too_much_is_refused(argument: str) -> None:
    """Thirty days at least, and a number."""
    with pytest.raises(ValueError):
        parse_days([argument])
    assert parse_days([]) == 400
