"""Redis client and counters: short time limits, loaded late, behind a circuit breaker.

Every function works without Redis. Its client library takes a sixth of a cold start to load, and a first response needs
Postgres alone: so `RedisClient` loads the library in the background after it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from shared.connections.circuit_breaker import CircuitBreaker, UnavailableError
from shared.runtime.settings import RedisSettings

if TYPE_CHECKING:
    from shared.auth.rate_limit import Counters

T = TypeVar("T")

_LOAD_AFTER_SECONDS = 0.1
"""Delay between first use and loading the library: by then the first response is on its way."""
_LOAD_FOR_COUNTS_AFTER_SECONDS = 0.3
"""Loading costs a fifth of a first response, so counts wait for that unless a request waits for one."""


def connect_cache(settings: RedisSettings) -> Any:
    """Return a `redis.asyncio.Redis` that connects on first use and gives up after half a second."""
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return Redis.from_url(
        settings.redis_url.reveal(),
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
        # One more try at once: the first use after Redis restarted finds the old connection dead.
        retry=Retry(NoBackoff(), 1),
    )


class RedisClient(CircuitBreaker):
    """The cache that all copies of all functions share."""

    def __init__(self, settings: RedisSettings) -> None:
        self._settings = settings
        self._client: Any = None  # its stubs give each command as sync or async
        self._errors: tuple[type[Exception], ...] = (OSError,)
        self._loading: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        super().__init__("Redis", lambda: self._client.ping())

    async def run(self, work: Callable[[Any], Awaitable[T]], *, only_if_loaded: bool = False) -> T:
        """Return the result of *work* on the client; UnavailableError when Redis does not answer.

        *only_if_loaded*: UnavailableError too while the library is not loaded.
        """
        if self.is_down:
            raise self.unavailable()
        if self._client is None:
            loading = self._load()
            if only_if_loaded:
                raise UnavailableError(self._name)
            self._wanted.set()
            await asyncio.shield(loading)
        try:
            return await work(self._client)
        except self._errors as error:
            raise self.mark_down(error) from error

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

    def _create(self) -> tuple[tuple[type[Exception], ...], Any]:
        """Return the errors of an unreachable Redis, and a client that has yet to connect."""
        from redis.exceptions import RedisError

        return (RedisError, OSError), connect_cache(self._settings)


class RedisCounters:
    """Counters that expire, shared by all copies of all functions; *local* counts while Redis is away."""

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
                pipeline.incrby(f"limit:{key}", amount)
                pipeline.expire(f"limit:{key}", seconds)
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
