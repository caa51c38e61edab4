"""Postgres and Redis as the functions that answer people ask them: no request waits for a server known to be down.

The first request that meets a dead server pays for finding out. From then on requests do without it, and a question
asked in the background, at most one a second, finds out when it is back.

Redis joins a process late: its client takes a sixth of a cold start to load, and all that a first answer needs can be
had from Postgres.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout

from shared.database import Pool
from shared.settings import Cache, Database

T = TypeVar("T")

_logger = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 8.0
_RECENTLY_SECONDS = 3.0
_FIRST_ANSWER_SECONDS = 0.1
"""So long after its first use the client of Redis is loaded: by then the first answer is on its way."""


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
        self._settings = settings
        self._client: Any = None  # its stubs give each command as sync or async
        self._errors: tuple[type[Exception], ...] = (OSError,)
        self._loading: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._told: set[asyncio.Task[None]] = set()
        super().__init__("Redis", lambda: self._client.ping())

    async def ask(self, work: Callable[[Any], Awaitable[T]], *, at_once: bool = False) -> T:
        """Return what *work* makes of the client; DownError when Redis does not answer.

        *at_once*: DownError too as long as the client is not loaded.
        """
        if not self.usable:
            raise DownError(self._name)
        if self._client is None:
            loading = self._load()
            if at_once:
                raise DownError(self._name)
            self._wanted.set()
            await asyncio.shield(loading)
        try:
            return await work(self._client)
        except self._errors as error:
            raise self.failed(error) from error

    def tell(self, work: Callable[[Any], Awaitable[object]]) -> None:
        """Have *work* done with the client in the background once it is loaded, or not at all when Redis is away."""

        async def tell() -> None:
            await asyncio.shield(self._load())
            with suppress(DownError):
                await self.ask(work)

        task = asyncio.create_task(tell())
        self._told.add(task)
        task.add_done_callback(self._told.discard)

    def _load(self) -> asyncio.Task[None]:
        if self._loading is None:
            self._loading = asyncio.create_task(self._load_late())
        return self._loading

    async def _load_late(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _FIRST_ANSWER_SECONDS)
        self._errors, self._client = await asyncio.to_thread(_client_of_redis, self._settings)


def _client_of_redis(settings: Cache) -> tuple[tuple[type[Exception], ...], Any]:
    """Return a client that has yet to connect, and what it raises when Redis does not answer."""
    from redis.exceptions import RedisError  # loaded late: see above

    from shared.cache import connect_cache

    return (RedisError, OSError), connect_cache(settings)


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
