"""Migration Job: bring the database to the schema and the reference data of this version, before each deployment.

The statements are plain files, `migrations/NNNN_name.sql`, applied in the order of their numbers and recorded by name.
`schema.sql` is the schema that they add up to.
"""

from shared.runtime.termination import exit_on_sigterm

if __name__ == "__main__":
    exit_on_sigterm()

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import psycopg
from psycopg import Connection

from functions.store.calendar import fill_sessions, read_special_days, warn_of_end
from functions.store.catalogue import activate, read_catalogue, upsert_catalogue
from functions.store.closings import Closings, parse_closings, replace_setting, select_closings
from functions.store.database_check import UnsuitableDatabaseError, check_database
from functions.store.migration_files import MigrationError, MigrationFile, find_pending, read_files
from functions.store.migration_locks import migration_transaction, only_one_job, with_locks
from functions.store.renames import rename_tickers
from functions.store.ticker_list import find_doubts, find_list_faults, resolve_list
from shared.connections.single_connection import connect_once
from shared.runtime import clock, log
from shared.runtime.settings import CsvList, CsvMap, DatabaseSettings, read_settings

MIGRATIONS = Path(__file__).parent / "migrations"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """Settings of the migration Job."""

    tickers: CsvList = ()
    """Exactly these are tracked, or changes of the catalogue: +SHOP,-NKE; none: the catalogue."""

    renamed_tickers: CsvMap = field(default_factory=dict)
    """Old names by new ones, `FB=META`: the history goes on under the new name."""

    calendar_closings: CsvMap = field(default_factory=dict)
    """Closings and early closes that the release does not know: `2025-01-09=closed,2026-12-24=13:00`."""

    def check(self) -> None:
        """Refuse invalid tickers and invalid closings."""
        super().check()
        parse_closings(self.calendar_closings)
        for name in (*self.renamed_tickers, *self.renamed_tickers.values()):
            if find_list_faults([name], ()):
                raise ValueError(f"RENAMED_TICKERS: {name[:30]} is not a ticker; write OLD=NEW, such as FB=META")


def migrate(
    url: str,
    *,
    tickers: Sequence[str] = (),
    renames: Mapping[str, str] | None = None,
    closings: Closings | None = None,
    folder: Path = MIGRATIONS,
) -> list[str]:
    """Apply the migrations that the database at *url* lacks; return their names, in order.

    Several at once do no harm: one works, the others wait and find nothing to do. UnsuitableDatabaseError before
    anything is changed when the functions cannot work with the database; MigrationError when the files disagree with
    what has been applied, or when one fails: what was applied before it stays.
    """
    check_database(url)
    with only_one_job(url), connect_once(url) as connection:
        done = _apply_files(connection, read_files(folder))
        if _exists(connection, "sessions"):
            fill = partial(_fill, connection, tickers, renames or {}, closings, changed=bool(done))
            done += with_locks(connection, "The reference data", fill)
    return done


def _apply_files(connection: Connection, files: Sequence[MigrationFile]) -> list[str]:
    """Apply the pending ones of *files* and return their names."""
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS migrations (
            name       text        PRIMARY KEY,
            checksum   text        NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    applied = dict(connection.execute("SELECT name, checksum FROM migrations").fetchall())
    pending = find_pending(list(files), applied)
    for file in pending:
        try:
            with_locks(connection, file.name, partial(_apply, connection, file))
        except psycopg.Error as error:
            reason = error.diag.message_primary or str(error)
            raise MigrationError(f"{file.name} failed and was rolled back: {reason}") from error
    return [file.name for file in pending]


def _apply(connection: Connection, file: MigrationFile) -> None:
    """Apply one file and record it, in one transaction."""
    with migration_transaction(connection):
        connection.execute(file.statements)
        connection.execute(
            "INSERT INTO migrations (name, checksum) VALUES (%(name)s, %(checksum)s)",
            {"name": file.name, "checksum": file.checksum},
        )


def _fill(
    connection: Connection,
    tickers: Sequence[str],
    renames: Mapping[str, str],
    closings: Closings | None,
    *,
    changed: bool,
) -> list[str]:
    """Bring sessions and catalogue up to date in one transaction, and return which of them changed."""
    done: list[str] = []
    with migration_transaction(connection):
        now = clock.now()
        if closings is not None:
            replace_setting(connection, closings, now)
        warn_of_end(now.date(), read_special_days().last_day)
        if fill_sessions(connection, date(now.year + 1, 12, 31), select_closings(connection)):
            done.append("sessions")
        catalogue = read_catalogue()
        rows = upsert_catalogue(connection, catalogue)
        rows += rename_tickers(connection, renames)
        rows += activate(connection, _listed(tickers, [str(company["ticker"]) for company in catalogue], renames))
        if rows:
            done.append("catalogue")
        if done or changed:
            connection.execute("SELECT raise_epoch()")
    return done


def _listed(entries: Sequence[str], catalogue: Sequence[str], renames: Mapping[str, str]) -> list[str]:
    """Return the tickers to track; MigrationError for mistakes in the list."""
    if faults := find_list_faults(entries, catalogue):
        raise MigrationError(" ".join(faults))
    for doubt in find_doubts(entries, catalogue):
        _logger.warning("%s", doubt)
    return list(dict.fromkeys(renames.get(name, name) for name in resolve_list(entries, catalogue)))


def _exists(connection: Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%(table)s) IS NOT NULL", {"table": table}).fetchone()
    return bool(row and row[0])


if __name__ == "__main__":
    log.configure()
    settings = read_settings(Settings)
    try:
        applied = migrate(
            settings.database_url.reveal(),
            tickers=settings.tickers,
            renames=settings.renamed_tickers,
            closings=parse_closings(settings.calendar_closings),
        )
    except (MigrationError, UnsuitableDatabaseError) as error:
        _logger.error("%s", error)
        sys.exit(1)
    except psycopg.OperationalError as error:
        _logger.error("Postgres cannot be reached, or ended the connection: %s", error.diag.message_primary or error)
        sys.exit(1)
    _logger.info("migrated: %s", ", ".join(applied) or "nothing to do")
