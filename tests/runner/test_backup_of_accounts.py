"""A backup of a used installation: 40,000 bars, 100 accounts and their tokens come back as they were."""

from pathlib import Path

import psycopg
import redis

from knative.local.backup import back_up, restore
from tests.accounts import Person, bearer, serving_tokens
from tests.conftest import new_database

SECRET = "a secret of the tests alone, of no other use"
BARS = """
    INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, received_at)
    SELECT ticker, '1h', '2026-01-05T14:30Z'::timestamptz + hour * interval '1 hour', price, price + 1.25, price - 1.25,
           price + 0.5, 1000 + hour, 'simulated', now()
      FROM tickers, generate_series(1, 800) AS hour, LATERAL (SELECT 100 + hour % 77 / 10.0 AS price) AS priced
"""
TABLES = "SELECT relname FROM pg_stat_user_tables ORDER BY relname"
CHECKSUM = "SELECT count(*), md5(coalesce(string_agg(row::text, ',' ORDER BY row::text), '')) FROM {} AS row"


def checksums(url: str) -> dict[str, tuple[int, str]]:
    """Return the number of rows and their checksum by table."""
    found: dict[str, tuple[int, str]] = {}
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            count, checksum = connection.execute(CHECKSUM.format(table).encode()).fetchone() or (0, "")
            found[table] = count, checksum
    return found


def test_accounts_tokens_and_bars_come_back(
    postgres_server: str, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Every table has equal rows; tokens that were valid are, those that were revoked are not; passwords log in."""
    settings = {"DATABASE_URL": database_url, "API_TOKEN_SECRET": SECRET}
    with psycopg.connect(database_url) as connection:
        assert connection.execute(BARS).rowcount == 40_000
    with serving_tokens(database_url, redis_url) as tokens:
        people = [tokens.person(f"person{number}") for number in range(100)]
        made = [person.make() for person in people]
        for person, one in zip(people[:10], made, strict=False):
            person.ask("DELETE", f"/tokens/{one['id']}", 204)
    file = tmp_path / "backup"
    back_up(file, tmp_path / "one", settings)
    before = checksums(database_url)

    with new_database(postgres_server) as target:
        restore(file, tmp_path / "two", {**settings, "DATABASE_URL": target}, replace=False)
        after = checksums(target)
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()  # the other installation has a Redis of its own
        with serving_tokens(target, redis_url) as tokens:
            answers = [tokens.client.get("/users/me", headers=bearer(one["token"])).status_code for one in made]
            logins = [tokens.log_in(f"person{number}").status_code for number in range(100)]
            listed = Person(tokens.client, people[50].token).ids()

    assert after == before
    assert before["bars"][0] == 40_000
    # 401: not valid; 403: valid, but for reading market data alone.
    assert answers == [401] * 10 + [403] * 90
    assert logins == [200] * 100
    assert "another" in listed
