"""Locks of the migration: one Job at a time, short waits for tables that others use, and no statement left behind.

All settings and locks are a transaction's, since a connection pooler may give each transaction another server.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from psycopg import Connection
from psycopg.errors import LockNotAvailable

from functions.store.migration_files import MigrationError
from shared.connections.single_connection import connect_once

T = TypeVar("T")

_logger = logging.getLogger(__name__)
_LOCK = 5_746_801  # any number, the same in all Jobs
_NAME = "stocksalot migration"
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, *(15.0,) * 40)
"""Ten minutes in all."""
_WAITS = {"lock_timeout": "3s", "client_connection_check_interval": "5s"}
_KEEPALIVES = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "application_name": _NAME,
}


@contextmanager
def migration_transaction(connection: Connection) -> Iterator[None]:
    """Transaction that waits for no lock longer than readers can bear, and ends with its client.

    A reader queues behind a statement that waits for a lock. A statement whose Job was killed ends within seconds.
    """
    with connection.transaction():
        for name, value in {**_WAITS, **_KEEPALIVES}.items():
            connection.execute("SELECT set_config(%(name)s, %(value)s, true)", {"name": name, "value": value})
        yield


@contextmanager
def only_one_job(url: str) -> Iterator[None]:
    """Wait until no other Job works on the database at *url*. Each has its turn by a transaction that it keeps open."""
    with connect_once(url) as connection:
        for pause in (*_PAUSES, None):
            with migration_transaction(connection):
                # No server may end the turn because its transaction waits.
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                row = connection.execute("SELECT pg_try_advisory_xact_lock(%(lock)s)", {"lock": _LOCK}).fetchone()
                if row and row[0]:
                    yield
                    return
                holder = _describe_holder(connection)
            if pause is None:
                raise MigrationError(f"Another migration has not ended in ten minutes: {holder}.")
            _logger.info("waiting for another migration: %s", holder)
            time.sleep(pause)


def with_locks(connection: Connection, name: str, work: Callable[[], T]) -> T:
    """Return the result of *work*, a transaction, tried again with pauses while others hold the locks it needs."""
    for pause in _PAUSES:
        try:
            return work()
        except LockNotAvailable:
            others = _describe_transactions(connection)
            _logger.warning("%s waits for a lock, again in %g s. Open transactions: %s", name, pause, others)
            time.sleep(pause)
    others = _describe_transactions(connection)
    raise MigrationError(
        f"{name} did not get its locks in ten minutes; nothing of it was applied. End what holds them "
        f"(SELECT pg_terminate_backend(pid)), then migrate again. Open transactions: {others}."
    )


def _describe_holder(connection: Connection) -> str:
    """Return who holds the lock of the Jobs."""
    rows = connection.execute(
        """
        SELECT format('pid %%s, connected %%s s ago', activity.pid,
                      extract(epoch FROM clock_timestamp() - activity.backend_start)::int)
          FROM pg_locks AS held
          JOIN pg_stat_activity AS activity ON activity.pid = held.pid
         WHERE held.locktype = 'advisory'
           AND held.granted
           AND held.objid = %(lock)s
           AND activity.datname = current_database()
        """,
        {"lock": _LOCK},
    ).fetchall()
    return "; ".join(text for (text,) in rows) or "it has just ended"


def _describe_transactions(connection: Connection) -> str:
    """Return the oldest open transactions of others, without their statements."""
    rows = connection.execute(
        """
        SELECT format('pid %%s%%s, %%s, for %%s s', pid, ' (' || nullif(application_name, '') || ')', state,
                      extract(epoch FROM clock_timestamp() - xact_start)::int)
          FROM pg_stat_activity
         WHERE datname = current_database()
           AND pid <> pg_backend_pid()
           AND application_name <> %(name)s
           AND xact_start IS NOT NULL
         ORDER BY xact_start
         LIMIT 3
        """,
        {"name": _NAME},
    ).fetchall()
    return "; ".join(text for (text,) in rows) or "none"
