"""Migration Job: bring the database to the schema and the reference data of this version, before each deployment.

The statements are plain files, `migrations/NNNN_name.sql`, applied in the order of their numbers and recorded by name.
`schema.sql` is the schema that they add up to.
"""

from shared.runtime.termination import exit_on_sigterm

if __name__ == "__main__":
    exit_on_sigterm()

import hashlib
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import psycopg
from psycopg import Connection

from functions.store.calendar import fill_sessions
from functions.store.catalogue import activate, read_catalogue, upsert_catalogue
from functions.store.database_check import UnsuitableDatabaseError, check_database
from shared.runtime import clock, log
from shared.runtime.settings import CsvList, DatabaseSettings, read_settings

MIGRATIONS = Path(__file__).parent / "migrations"

_logger = logging.getLogger(__name__)
_LOCK = 5_746_801  # any number, the same in all Jobs


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """Settings of the migration Job."""

    tickers: CsvList = ()
    """Exactly these become active; none: those of the catalogue."""


class MigrationError(Exception):
    """The files and the database disagree in a way that needs a person."""


def migrate(url: str, *, tickers: Sequence[str] = (), folder: Path = MIGRATIONS) -> list[str]:
    """Apply what the database at *url* lacks and return its names, in order; [] when it lacks nothing.

    Several at once do no harm: one works, the others wait and find nothing to do. UnsuitableDatabaseError before
    anything is changed when the functions cannot work with the database; MigrationError when a file that has
    been applied was edited since, psycopg.Error when a statement fails; what was applied before it stays.
    """
    check_database(url)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection, _alone(connection):
        done = [file.name for file in _files(folder) if _apply(connection, file)]
        if not _exists(connection, "sessions"):
            return done
        with connection.transaction():
            if fill_sessions(connection, date(clock.now().year + 1, 12, 31)):
                done.append("sessions")
            catalogue = read_catalogue()
            changed = upsert_catalogue(connection, catalogue)
            changed += activate(connection, tickers or [str(company["ticker"]) for company in catalogue])
            if changed:
                done.append("catalogue")
            if done:
                connection.execute("SELECT raise_epoch()")
    return done


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Wait until no other Job works on this database, and make sure of the table that remembers."""
    connection.execute("SELECT pg_advisory_lock(%(lock)s)", {"lock": _LOCK})
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS migrations (
            name       text        PRIMARY KEY,
            checksum   text        NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    yield  # closing the connection releases the lock, on failure as well


def _files(folder: Path) -> list[Path]:
    """Return the migrations in the order of their numbers."""
    paths = sorted(folder.glob("*.sql"))
    for one, other in pairwise(paths):
        if one.name.split("_")[0] == other.name.split("_")[0]:
            raise MigrationError(f"{one} and {other} have the same number: rename the newer one.")
    return paths


def _apply(connection: Connection, file: Path) -> bool:
    """Apply one file, and remember it, in one transaction; return False if that was done before."""
    name, statements = file.name, file.read_bytes()
    checksum = hashlib.sha256(statements).hexdigest()
    row = connection.execute("SELECT checksum FROM migrations WHERE name = %(name)s", {"name": name}).fetchone()
    if row is not None:
        if row[0] != checksum:
            raise MigrationError(f"{name} has been edited since it was applied: undo that, and add a new file instead.")
        return False
    with connection.transaction():
        connection.execute(statements)
        connection.execute(
            "INSERT INTO migrations (name, checksum) VALUES (%(name)s, %(checksum)s)",
            {"name": name, "checksum": checksum},
        )
    return True


def _exists(connection: Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%(table)s) IS NOT NULL", {"table": table}).fetchone()
    return bool(row and row[0])


if __name__ == "__main__":
    log.configure()
    settings = read_settings(Settings)
    try:
        applied = migrate(settings.database_url.reveal(), tickers=settings.tickers)
    except (MigrationError, UnsuitableDatabaseError) as error:
        _logger.error("%s", error)
        sys.exit(1)
    _logger.info("migrated: %s", ", ".join(applied) or "nothing to do")
