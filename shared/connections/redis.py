"""Redis client and counters: short timeouts, lazy loading, and a circuit breaker.

Every function works without Redis. Its client library takes a sixth of a cold start to load, and a first response needs
Postgres alone, so `RedisClient` loads the library in the background after it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from shared.connections.circuit_breaker import CircuitBreaker, UnavailableError
from shared.connections.postgres import PostgresClient, select_installation
from shared.http.problem import Problem
from shared.runtime.settings import RedisSettings

if TYPE_CHECKING:
    from shared.auth.rate_limit import Counters

T = TypeVar("T")

_logger = logging.getLogger(__name__)

_LOAD_AFTER_SECONDS = 0.1
"""Delay between first use and loading the library, after which the first response has been sent."""
_LOAD_FOR_COUNTS_AFTER_SECONDS = 0.3
"""Loading takes a fifth of a first response, so counts wait until it is sent, unless a request waits for one."""
_CONFIRM_SECONDS = 60.0
"""Interval at which running processes check that the database was not replaced by another."""
_RETRY_SECONDS = 1.0
_TIMEOUT_SECONDS = 2.0
IDENTITIES = "stocksalot:installations"
"""Hash of installations by database address, for processes that start while Postgres is down."""
_IDENTITIES_EXPIRE_SECONDS = 30 * 24 * 3600


def installation_key(installation: str, name: str) -> str:
    """Return the Redis key *name* of an installation: several may share a Redis without access to each other's keys."""
    return f"stocksalot:{installation}:{name}"


def connect_cache(settings: RedisSettings) -> Any:
    """Return a `redis.asyncio.Redis` that connects on first use, with a timeout of half a second."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return Redis.from_url(
        settings.redis_url.reveal(),
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        # One retry at once, since the first use after a restart of Redis finds the old connection closed.
        retry=Retry(NoBackoff(), 1),
    )


class RedisClient(CircuitBreaker):
    """The cache that all copies of all functions of one installation share."""

    def __init__(self, settings: RedisSettings, postgres: PostgresClient) -> None:
        self._settings = settings
        self._postgres = postgres
        self._identity: str | None = None
        self._noted: str | None = None
        self._confirm_at = 0.0
        self._confirmation: asyncio.Task[None] | None = None
        self._client: Any = None  # its type stubs declare each command as sync or async
        self._errors: tuple[type[Exception], ...] = (OSError,)
        self._loading: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        super().__init__("Redis", lambda: self._client.ping())

    async def run(self, work: Callable[[Any], Awaitable[T]], *, only_if_loaded: bool = False) -> T:
        """Return the result of *work* on the client; UnavailableError when Redis does not answer.

        *work* makes its keys with `key`. *only_if_loaded*: UnavailableError also while the library is not loaded.
        """
        if self.is_down:
            raise self.reject()
        if self._client is None:
            loading = self._load()
            if only_if_loaded:
                raise UnavailableError(self._name)
            self._wanted.set()
            await asyncio.shield(loading)
        await self._ensure_identity()
        try:
            return await work(self._client)
        except self._errors as error:
            raise self.mark_down(error) from error

    def key(self, name: str) -> str:
        """Return the key *name* of this installation, within the work of `run`."""
        return installation_key(self.identity, name)

    @property
    def identity(self) -> str:
        """Identity of the installation, within the work of `run`."""
        assert self._identity is not None, "run finds the identity before it calls work"  # noqa: S101
        return self._identity

    def run_later(self, work: Callable[[Any], Awaitable[object]]) -> None:
        """Run *work* in the background once the library is loaded; dropped when Redis is down."""

        async def run() -> None:
            await asyncio.shield(self._load())
            with suppress(UnavailableError):
                await self.run(work)

        task = asyncio.create_task(run())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _load(self) -> asyncio.Task[None]:
        if self._loading is None:
            self._loading = asyncio.create_task(self._load_late())
        return self._loading

    async def _load_late(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _LOAD_AFTER_SECONDS)
        self._errors, self._client = await asyncio.to_thread(self._create)

    def identify(self, installation: str) -> None:
        """Set the identity, which a query to Postgres has just returned."""
        self._identity = installation
        self._confirm_at = time.monotonic() + _CONFIRM_SECONDS

    async def _ensure_identity(self) -> None:
        """Find the installation, or confirm it in the background; UnavailableError when it is unknown."""
        is_due = time.monotonic() >= self._confirm_at or self._noted != self._identity
        if is_due and self._confirmation is None:
            self._confirmation = asyncio.create_task(self._confirm())
        if self._identity is None and self._confirmation:
            await asyncio.shield(self._confirmation)
        if self._identity is None:
            raise UnavailableError(self._name)

    async def _confirm(self) -> None:
        """Read the identity from Postgres and store it in Redis, for processes that start while Postgres is down."""
        address = self._postgres.address
        try:
            if time.monotonic() >= self._confirm_at:
                self._confirm_at = time.monotonic() + _RETRY_SECONDS
                self.identify(await self._postgres.run(select_installation, _TIMEOUT_SECONDS))
            async with self._client.pipeline(transaction=False) as pipeline:
                pipeline.hset(IDENTITIES, address, self._identity)
                pipeline.expire(IDENTITIES, _IDENTITIES_EXPIRE_SECONDS)
                await pipeline.execute()
            self._noted = self._identity
            await self._check_memory()
        except (UnavailableError, Problem):
            with suppress(*self._errors):
                if self._identity is None and (noted := await self._client.hget(IDENTITIES, address)):
                    self._identity = self._noted = noted.decode()
        except self._errors as error:
            self.mark_down(error)
        finally:
            self._confirmation = None

    async def _check_memory(self) -> None:
        """Log faults of the memory settings of Redis; one process an hour checks them."""
        from shared.connections.redis_check import redis_fault

        if await self._client.set(self.key("memory-checked"), 1, nx=True, ex=3600):
            with suppress(*self._errors):  # a service may refuse INFO
                if fault := redis_fault(await self._client.info("memory")):
                    _logger.warning("%s", fault)

    def _create(self) -> tuple[tuple[type[Exception], ...], Any]:
        """Return the errors of an unreachable Redis, and a client that connects on first use."""
        from redis.exceptions import RedisError

        return (RedisError, OSError), connect_cache(self._settings)


class RedisCounters:
    """Counters that expire, shared by all copies of all functions; *local* counts while Redis is down."""

    def __init__(self, redis: RedisClient, local: "Counters") -> None:
        self._redis = redis
        self._local = local
        self._wanted = asyncio.Event()
        self._delay: asyncio.Task[None] | None = None

    async def add(self, key: str, amount: int, seconds: int) -> int:
        """Return the count of *key* after adding *amount*; it expires *seconds* after its last use."""
        if self._delay is None:
            self._delay = asyncio.create_task(self._wait_until_wanted())
        await asyncio.shield(self._delay)

        async def count(client: Any) -> int:
            async with client.pipeline(transaction=True) as pipeline:
                name = self._redis.key(f"limit:{key}")
                pipeline.incrby(name, amount)
                pipeline.expire(name, seconds)
                return (await pipeline.execute())[0]

        try:
            return await self._redis.run(count)
        except UnavailableError:
            return await self._local.add(key, amount, seconds)

    def load_now(self) -> None:
        """Load the client library without delay: a request waits for a count."""
        self._wanted.set()

    async def _wait_until_wanted(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), _LOAD_FOR_COUNTS_AFTER_SECONDS)
