"""Postgres connections: a pool that opens on first use, and a reader of it behind a circuit breaker."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.errors import QueryCanceled
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from shared.connections.circuit_breaker import CircuitBreaker, UnavailableError
from shared.runtime.settings import DatabaseSettings

T = TypeVar("T")

OPTIONS = "-c timezone=UTC -c statement_timeout=20s -c jit=off"
"""Settings of each connection. Without JIT: compiling a plan takes longer than any of our statements."""

_TIMEOUT_SECONDS = 8.0
_BUSY_SECONDS = 3.0


class ConnectionPool:
    """Up to `database_connections` connections of one process, none before the first use."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._pool: AsyncConnectionPool | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection with autocommit; psycopg_pool.PoolTimeout after two seconds without one."""
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                self._settings.database_url.reveal(),
                kwargs={
                    "autocommit": True,
                    "options": OPTIONS,
                    "connect_timeout": 2,
                },
                min_size=0,
                max_size=self._settings.database_connections,
                open=False,
                timeout=2,
                # A server that restarts is found again at the next request, not after a growing pause.
                reconnect_timeout=2,
                check=AsyncConnectionPool.check_connection,
            )
            await self._pool.open()
        async with self._pool.connection() as connection:
            yield connection


class PostgresClient(CircuitBreaker):
    """The database for functions that answer people."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._pool = ConnectionPool(settings)
        self._answered_at = -_BUSY_SECONDS
        super().__init__("Postgres", lambda: self._run(lambda connection: connection.execute("SELECT 1")))

    async def run(
        self, work: Callable[[AsyncConnection], Awaitable[T]], timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> T:
        """Return the result of *work* on a connection; UnavailableError without a connection or after the timeout."""
        if not self.is_up:
            raise UnavailableError(self._name)
        # A task of its own: a query that hangs cannot be taken back, but it need not be waited for.
        task = asyncio.ensure_future(self._run(work))
        await asyncio.wait({task}, timeout=timeout_seconds)
        if not task.done():
            task.add_done_callback(_consume_result)
            raise self.mark_down(None)
        try:
            return task.result()
        except (QueryCanceled, PoolTimeout) as error:
            # A server that has just answered others is busy, not down.
            busy = time.monotonic() - self._answered_at < _BUSY_SECONDS
            raise UnavailableError(self._name) if busy else self.mark_down(error) from error
        except (OperationalError, InterfaceError) as error:
            raise self.mark_down(error) from error

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection:
            result = await work(connection)
        self._answered_at = time.monotonic()
        return result


def _consume_result(task: asyncio.Task[Any]) -> None:
    """Fetch an abandoned task's exception, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
