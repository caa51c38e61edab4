"""`schema.sql` is the schema that the migrations add up to."""

import os
from pathlib import Path

import psycopg

from tests.conftest import new_database
from tests.store.schema import schema_of

SNAPSHOT = Path(__file__).parents[2] / "functions" / "store" / "schema.sql"
HEADER = "-- The schema after all migrations, for reading: `make schema` writes it. Nothing loads it but a test.\n\n"


def reloaded(server: str, statements: str) -> list[str]:
    """The parts of the schema that *statements* make; Postgres prints an expression that it printed with more casts."""
    with new_database(server) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statements.encode())
        return sorted(schema_of(url).split("\n\n"))


def test_the_snapshot_is_the_schema_of_the_migrations(postgres_server: str, migrated_database: str) -> None:
    """A database made of it has every table, view, function, index and comment that the migrations make."""
    migrated = schema_of(migrated_database)
    if os.environ.get("RENEW_SCHEMA"):
        SNAPSHOT.write_text(HEADER + migrated)

    assert reloaded(postgres_server, SNAPSHOT.read_text()) == reloaded(postgres_server, migrated)
