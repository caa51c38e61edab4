"""Postgres for functions: a pool that opens on first use, so that a cold start with nothing to read pays nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from shared.settings import Database


class Pool:
    """Up to `database_connections` connections of one process, none before the first use."""

    def __init__(self, settings: Database) -> None:
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
                    # Compiling a plan takes longer than any of our statements.
                    "options": "-c timezone=UTC -c statement_timeout=20s -c jit=off",
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
