"""Checks, before the first migration, that a database can serve the functions; each fault says how to correct it."""

from collections.abc import Iterator
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from shared.connections.single_connection import connect_once

MINIMUM_VERSION = 14


class UnsuitableDatabaseError(Exception):
    """The functions cannot work with this database; the message says how to correct it."""


class DatabaseProperties(NamedTuple):
    """The properties of a database that the functions depend on."""

    encoding: str
    version: int
    recovering: bool
    read_only: bool
    schema: str | None
    can_create: bool


def check_database(url: str) -> None:
    """Raise UnsuitableDatabaseError with one sentence per fault of the database at *url*."""
    with connect_once(url) as connection:
        faults = list(find_faults(select_properties(connection)))
    if faults:
        raise UnsuitableDatabaseError(" ".join(faults))


def select_properties(connection: Connection) -> DatabaseProperties:
    """Return the database's properties as *connection* sees them."""
    cursor = connection.cursor(row_factory=class_row(DatabaseProperties))
    [row] = cursor.execute(
        """
        SELECT current_setting('server_encoding') AS encoding,
               current_setting('server_version_num')::int / 10000 AS version,
               pg_is_in_recovery() AS recovering,
               current_setting('default_transaction_read_only')::bool AS read_only,
               current_schema()::text AS schema,
               coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS can_create
        """
    ).fetchall()
    return row


def find_faults(database: DatabaseProperties) -> Iterator[str]:
    """Yield a sentence for each property that the functions cannot work with."""
    if database.encoding != "UTF8":
        yield (
            f"The database's encoding is {database.encoding}, so text would come back as bytes: create another with "
            "CREATE DATABASE stocksalot ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0."
        )
    if database.version < MINIMUM_VERSION:
        yield f"PostgreSQL {database.version} is too old: upgrade to {MINIMUM_VERSION} or newer, 18 is tested."
    if database.recovering:
        yield "The server is a read-only replica: let DATABASE_URL name the primary."
    elif database.read_only:
        yield "Transactions are read-only: ALTER DATABASE ... SET default_transaction_read_only = off."
    if database.schema is None:
        yield "No schema of the search_path exists: CREATE SCHEMA public, or ALTER ROLE ... SET search_path."
    elif not database.can_create:
        yield f"The role may not create tables: GRANT CREATE ON SCHEMA {database.schema} TO it."
