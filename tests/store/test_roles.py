"""Database roles: each function reads and writes its own tables and no others."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

STATEMENTS = (Path(__file__).parents[2] / "functions" / "store" / "roles.sql").read_text()
ROLES = [f"stocksalot_{name}" for name in ("ingest", "store", "api", "insights", "token", "alerts")]
FORBIDDEN = {
    "ingest": [
        "SELECT FROM users",
        "SELECT FROM tokens",
        "DELETE FROM bars",
        "INSERT INTO asked_windows DEFAULT VALUES",
    ],
    "store": ["SELECT FROM users", "SELECT FROM tokens", "DELETE FROM insights", "CREATE TABLE x ()"],
    "api": [
        "SELECT email FROM users",
        "SELECT name FROM tokens",
        "UPDATE tokens SET scopes = '{}'",
        "DELETE FROM bars",
    ],
    "insights": ["SELECT password_hash FROM users", "DELETE FROM tokens", "UPDATE bars SET close = 1"],
    "alerts": [
        "SELECT email FROM users",
        "SELECT name FROM tokens",
        "DELETE FROM bars",
        "UPDATE insights SET place = 1",
    ],
    "token": ["SELECT FROM bars", "SELECT FROM insights", "UPDATE market_epoch SET epoch = 1"],
}
PERMITTED = {
    "ingest": ["SELECT FROM tickers, bars, asked_windows, companies, sessions"],
    "store": ["UPDATE bars SET close = close", "DELETE FROM dead_letters", "SELECT raise_epoch()"],
    "api": ["SELECT FROM movers, newest_bars, profiles", "SELECT hash, scopes, invalidated_at FROM tokens",
            "SELECT FROM bars_known_at(now())", "SELECT FROM coverage_of('{}', '{}', now())",
            "SELECT FROM derived_bars('AAPL', 'day', now(), now(), true, 1)"],
    "insights": ["DELETE FROM insights", "SELECT FROM insight_figures, hourly_bars", "SELECT hash FROM tokens"],
    "alerts": ["DELETE FROM alert_rules", "SELECT FROM hourly_bars, insights, left_out_tickers",
               "SELECT FROM usual_volume('AAPL', 'x', now(), now(), now(), now(), 1)"],
    "token": ["DELETE FROM users", "UPDATE tokens SET used_at = now()"],
}  # fmt: skip


@pytest.fixture(scope="module")
def connection(postgres_server: str, migrated_database: str) -> Iterator[psycopg.Connection]:
    """A connection of the owner, whose transaction makes the roles and is rolled back at the end."""
    with psycopg.connect(migrated_database) as connection:
        connection.execute(STATEMENTS.encode())
        connection.execute(STATEMENTS.encode())  # again changes nothing
        yield connection
        connection.rollback()


def run(connection: psycopg.Connection, role: str, statement: str) -> None:
    """Run a statement as a role, and undo it."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"SET LOCAL ROLE stocksalot_{role}".encode())
        connection.execute(statement.encode())


@pytest.mark.parametrize(("role", "statement"), [(role, one) for role, some in FORBIDDEN.items() for one in some])
def test_a_function_cannot_touch_the_tables_of_others(
    connection: psycopg.Connection, role: str, statement: str
) -> None:
    """Postgres refuses the statement."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(connection, role, statement)


@pytest.mark.parametrize(("role", "statement"), [(role, one) for role, some in PERMITTED.items() for one in some])
def test_a_function_can_use_its_own_tables(connection: psycopg.Connection, role: str, statement: str) -> None:
    """Postgres runs the statement, views and functions within it included."""
    run(connection, role, statement)
