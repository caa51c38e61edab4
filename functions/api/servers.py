"""Postgres and Redis as api asks them: no request waits for a server that is known to be down.

The first request that meets a dead server pays for finding out. From then on requests do without it, and a question
asked in the background, at most one a second, finds out when it is back.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from shared.cache import connect_cache
from shared.database import Pool
from shared.settings import Cache, Database

T = TypeVar("T")

_logger = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 8.0
_RECENTLY_SECONDS = 3.0


class DownError(Exception):
    """The server does not answer; its name is the message."""


class Server:
    """One server, and whether it is worth asking."""

    def __init__(self, name: str, ping: Callable[[], Awaitable[object]]) -> None:
        self._name = name
        self._ping = ping
        self._up = True
        self._ask_again_at = 0.0
        self._question: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Tell whether to ask it now; asks in the background whether it is back."""
        if not self._up and self._question is None and time.monotonic() >= self._ask_again_at:
            self._question = asyncio.create_task(self._ask())
        return self._up

    def failed(self, error: BaseException | None) -> DownError:
        """Note that it did not answer, and return what to raise for it."""
        if self._up:
            _logger.warning("%s does not answer: %s", self._name, type(error).__name__)
        self._up = False
        self._ask_again_at = time.monotonic() + _PAUSE_SECONDS
        return DownError(self._name)

    async def _ask(self) -> None:
        try:
            await self._ping()
        except Exception as error:
            _logger.info("%s is still down: %s", self._name, type(error).__name__)
            self._ask_again_at = time.monotonic() + _PAUSE_SECONDS
        else:
            _logger.info("%s answers again", self._name)
            self._up = True
        finally:
            self._question = None


class Postgres(Server):
    """The database, read only."""

    def __init__(self, settings: Database) -> None:
        self._pool = Pool(settings)
        self._answered_at = -_RECENTLY_SECONDS
        super().__init__("Postgres", lambda: self._lend(lambda connection: connection.execute("SELECT 1")))

    async def ask(
        self, work: Callable[[AsyncConnection], Awaitable[T]], patience_seconds: float = _PATIENCE_SECONDS
    ) -> T:
        """Return what *work* makes of a connection; DownError when none is to be had, or no answer for so long."""
        if not self.usable:
            raise DownError(self._name)
        # A task of its own: a query that hangs cannot be taken back, but it need not be waited for.
        task = asyncio.ensure_future(self._lend(work))
        await asyncio.wait({task}, timeout=patience_seconds)
        if not task.done():
            task.add_done_callback(_forget)
            raise self.failed(None)
        try:
            return task.result()
        except (QueryCanceled, PoolTimeout) as error:
            # A server that has just answered others is busy, not down.
            busy = time.monotonic() - self._answered_at < _RECENTLY_SECONDS
            raise DownError(self._name) if busy else self.failed(error) from error
        except (OperationalError, InterfaceError) as error:
            raise self.failed(error) from error

    async def _lend(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection:
            done = await work(connection)
        self._answered_at = time.monotonic()
        return done


class Redis(Server):
    """The cache that all copies share."""

    def __init__(self, settings: Cache) -> None:
        # Its stubs give each command as sync or async.
        self._client: Any = connect_cache(settings)
        super().__init__("Redis", lambda: self._client.ping())

    async def ask(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Return what *work* makes of the client; DownError when Redis does not answer."""
        if not self.usable:
            raise DownError(self._name)
        try:
            return await work(self._client)
        except (RedisError, OSError) as error:
            raise self.failed(error) from error


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
