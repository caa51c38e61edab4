"""Postgres connections: a pool that opens on first use, and a client with a bounded queue and a circuit breaker.

A connection pooler may be in between, also one that gives each transaction another server: nothing is set at
connect, no statement stays prepared, no lock outlives its transaction, and every instant is converted to UTC where it
is formatted.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import QueryCanceled, ReadOnlySqlTransaction
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from shared.connections.circuit_breaker import CircuitBreaker, UnavailableError, summarize_error
from shared.connections.single_connection import connection_parameters
from shared.connections.table_locks import LockedError, check_locks
from shared.http.problem import Problem
from shared.runtime.settings import DatabaseSettings

_logger = logging.getLogger(__name__)

T = TypeVar("T")

_TIMEOUT_SECONDS = 8.0
_CONNECT_SECONDS = 2
_BUSY_SECONDS = 3.0
_DOUBTED_AFTER_SECONDS = 3.0
"""A query that takes longer continues only while the server answers another one."""
_CHECK_SECONDS = 1.0
_MAX_WAITING = 64


class ConnectionPool:
    """Up to `database_connections` connections of one process, none before the first use."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._url = settings.database_url.reveal()
        self._size = settings.database_connections
        self._pool: AsyncConnectionPool | None = None
        self._closing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection to a function that takes events.

        UnavailableError, and the server's reason in the log, when it does not respond, has no connection or is full.
        """
        try:
            async with self.lend() as connection:
                yield connection
        except (OperationalError, InterfaceError, ReadOnlySqlTransaction) as error:
            _logger.warning("Postgres: %s", summarize_error(error))
            raise UnavailableError("Postgres") from error

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection with autocommit; psycopg_pool.PoolTimeout after two seconds without one.

        After a failover an old connection may lead to a standby: a read-only connection is closed.
        """
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                kwargs=connection_parameters(self._url, _CONNECT_SECONDS),
                min_size=0,
                max_size=self._size,
                open=False,
                timeout=_CONNECT_SECONDS,
                # The next request reconnects to a restarted server, without a growing pause.
                reconnect_timeout=_CONNECT_SECONDS,
                check=AsyncConnectionPool.check_connection,
                configure=_configure,
            )
            await self._pool.open()
            self._closing = asyncio.create_task(_close_at_exit(self._pool))
        async with self._pool.connection() as connection:
            try:
                yield connection
            except ReadOnlySqlTransaction:
                await connection.close()
                raise


class PostgresClient(CircuitBreaker):
    """The database for functions with public endpoints."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._pool = ConnectionPool(settings)
        self._free = asyncio.Semaphore(settings.database_connections)
        self._waiting = 0
        self._responded_at = -_BUSY_SECONDS
        self.address = database_address(settings.database_url.reveal())
        super().__init__("Postgres", lambda: self._run(check_locks))

    async def run(
        self, work: Callable[[AsyncConnection], Awaitable[T]], timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> T:
        """Return the result of *work* on a connection.

        UnavailableError without a connection or after the timeout, Problem 503 when too many wait for a connection.
        """
        if self.is_down:
            raise self.reject()
        await self._enter_queue(timeout_seconds)
        try:
            if self.is_down:
                raise self.reject()
            return await self._run_within(work, timeout_seconds)
        finally:
            self._free.release()

    async def _enter_queue(self, timeout_seconds: float) -> None:
        """Wait for a free connection. The limit is our own, so the wait is no sign of a slow server."""
        if self._waiting >= _MAX_WAITING:
            raise _overloaded()
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise _overloaded() from None
        finally:
            self._waiting -= 1

    async def _run_within(self, work: Callable[[AsyncConnection], Awaitable[T]], seconds: float) -> T:
        task = asyncio.ensure_future(self._run(work))
        await asyncio.wait({task}, timeout=min(seconds, _DOUBTED_AFTER_SECONDS))
        if not task.done() and seconds > _DOUBTED_AFTER_SECONDS and await self._answers():
            await asyncio.wait({task}, timeout=seconds - _DOUBTED_AFTER_SECONDS)
        if not task.done():
            _abandon(task)
            raise await self._find_cause(None)
        try:
            return task.result()
        except (QueryCanceled, PoolTimeout) as error:
            raise await self._find_cause(error) from error
        except ReadOnlySqlTransaction as error:
            raise UnavailableError(self._name) from error
        except (OperationalError, InterfaceError) as error:
            raise self.mark_down(error) from error

    async def _answers(self) -> bool:
        """Return whether the server answers another query or has just answered one, and no table is locked."""
        fault = await self._check()
        return fault is None or (not isinstance(fault, LockedError) and self._is_busy)

    async def _find_cause(self, error: BaseException | None) -> UnavailableError:
        """Return the error for a slow query, and mark the server down if a table is locked or it responds to no query.

        A server that has just responded to another query is not down.
        """
        is_busy = self._is_busy
        if not isinstance(error, PoolTimeout) and isinstance(fault := await self._check(), LockedError):
            return self.mark_down(fault)
        return UnavailableError(self._name) if is_busy else self.mark_down(error)

    @property
    def _is_busy(self) -> bool:
        return time.monotonic() - self._responded_at < _BUSY_SECONDS

    async def _check(self) -> Exception | None:
        """Return the error when the server does not answer a small query at once or a table is locked, else None."""
        task = asyncio.ensure_future(self._run(check_locks))
        await asyncio.wait({task}, timeout=_CHECK_SECONDS)
        if not task.done():
            _abandon(task)
            return TimeoutError()
        try:
            return task.result()
        except (LockedError, OSError, OperationalError, InterfaceError, PoolTimeout) as error:
            return error

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            result = await self._run_once(work)
        except ReadOnlySqlTransaction:  # nothing was written
            result = await self._run_once(work)
        self._responded_at = time.monotonic()
        return result

    async def _run_once(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self._pool.lend() as connection:
            return await work(connection)


def database_address(url: str) -> str:
    """Return a digest of host, port and name of the database at *url*, without user and password."""
    parts = conninfo_to_dict(url)
    place = [str(parts.get(part) or "") for part in ("host", "port", "dbname")]
    return hashlib.sha256("\0".join(place).encode()).hexdigest()[:16]


async def select_installation(connection: AsyncConnection) -> str:
    """Return the identity that the migration gave this database, the prefix of its keys in Redis."""
    cursor = await connection.execute("SELECT id::text FROM installation")
    row = await cursor.fetchone()
    assert row is not None, "the migration inserts the one row"  # noqa: S101
    return row[0]


async def _close_at_exit(pool: AsyncConnectionPool) -> None:
    """Close *pool* when the event loop ends, which cancels all tasks.

    Otherwise the pool's own task would take the cancellation of a connection attempt for a failure and go on, and the
    process would never end.
    """
    try:
        await asyncio.Event().wait()
    finally:
        await pool.close(timeout=1)


async def _configure(connection: AsyncConnection) -> None:
    # For speed alone, where no pooler drops it: compiling a plan takes longer than any of our statements.
    await connection.execute("SET jit = off")


def _overloaded() -> Problem:
    detail = "Too many requests wait for the database. Try again in 2 s."
    return Problem(503, "busy", "Busy", detail, headers={"Retry-After": "2"})


def _abandon(task: asyncio.Task[Any]) -> None:
    """Cancel *task* without awaiting it: the cancellation of a query waits for the server, up to ten seconds."""
    task.cancel()
    task.add_done_callback(_consume_result)


def _consume_result(task: asyncio.Task[Any]) -> None:
    """Fetch an abandoned task's exception, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
