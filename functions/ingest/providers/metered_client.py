"""HTTP client of a provider with one key: every request is counted before it is made.

A refusal pauses the key, an outage the provider.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
from redis.exceptions import RedisError

from functions.ingest.outages import Outage, is_server_fault
from functions.ingest.providers import NoCredits, ProviderError, ProviderPauses
from functions.ingest.providers.parsing import parse_date
from functions.ingest.providers.tls import tls_context
from functions.ingest.settings import Settings
from shared.connections.redis import connect_cache
from shared.providers.credits import AllKeysSuspended, CreditBudget, short_hash
from shared.runtime.settings import Secret

_logger = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(days=1)
_OUTAGE_REQUESTS = 2
"""Requests in a row without a response that are an outage, so that one symbol that the server stumbles over is none."""
_THROTTLED = timedelta(minutes=5)
"""Pause after a 429 that names none."""


class RequestFailure(Exception):  # noqa: N818  a failure of one request, not of the program
    """A request without a usable answer; *status* is that of the HTTP response, 0 for none."""

    def __init__(self, message: str, status: int = 0, body: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class MeteredClient:
    """Client of *provider* under one key, as far as its budget allows."""

    def __init__(
        self, provider: str, client: httpx.AsyncClient, budget: CreditBudget, outage: Outage, timeout: float
    ) -> None:
        self._provider = provider
        self._client = client
        self._budget = budget
        self._outage = outage
        self._responded = False
        self._failures: list[str] = []
        """Of the requests in a row without a response."""
        self._timeout = timeout
        self.requests = 0
        self.served_at: datetime | None = None
        """The provider's time at its first response."""

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        """Return the JSON of a response, its fractions as decimals.

        NoCredits when the budget is used up or the provider pauses, ProviderError when the key may not be used,
        RequestFailure for the rest.
        """
        if pause := await self._outage.remaining():
            raise ProviderPauses(f"{self._provider}: pauses for {pause} after an outage")
        try:
            grants = await self._budget.acquire(1)
        except AllKeysSuspended as error:
            raise ProviderError(f"{self._provider}: pauses after a refused request") from error
        if not grants:
            raise NoCredits
        grant = grants[0]
        self.requests += 1
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.get(path, params=dict(params))
        except TimeoutError as error:
            await self._count_failure(reason := "no answer in time")
            raise RequestFailure(reason) from error
        except httpx.HTTPError as error:
            await self._count_failure(reason := f"no answer: {type(error).__name__}")
            raise RequestFailure(reason) from error
        self.served_at = self.served_at or parse_date(response.headers.get("date", ""))
        body = _read(response)
        seconds = response.headers.get("retry-after", "")
        if is_server_fault(response.status_code) and not seconds:
            await self._count_failure(reason := f"HTTP {response.status_code}")
            raise RequestFailure(reason, response.status_code, body)
        self._responded, self._failures = True, []
        await self._outage.end()
        if response.status_code == 429 or is_server_fault(response.status_code):
            pause = timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 7 else _THROTTLED
            await self._budget.suspend(grant, min(pause, _LONGEST_PAUSE))
            raise ProviderError(f"{self._provider}: HTTP {response.status_code}, pauses for {pause}")
        if response.status_code == 401:
            await self._budget.suspend(grant)
            _logger.error("%s: key %s was refused and is paused for an hour", self._provider, short_hash(grant.key))
            raise ProviderError(f"{self._provider}: the key is refused")
        if response.status_code != 200:
            raise RequestFailure(f"HTTP {response.status_code}", response.status_code, body)
        if body is None:
            raise RequestFailure("HTTP 200 without JSON", 200)
        return body

    async def close(self) -> None:
        """Begin a pause if there was a request and none had a response."""
        if self._failures and not self._responded:
            await self._outage.record(self._failures[-1])

    async def _count_failure(self, reason: str) -> None:
        self._failures.append(reason)
        if len(self._failures) >= _OUTAGE_REQUESTS or self._outage.known:
            await self._outage.record(reason)


@asynccontextmanager
async def metered_client(
    provider: str,
    key: Secret,
    settings: Settings,
    *,
    base_url: str,
    headers: Mapping[str, str],
    per_minute: int,
) -> AsyncIterator[MeteredClient]:
    """Open a client of *provider*; ProviderError when Redis, which counts the requests, does not answer."""
    timeout = settings.provider_timeout_seconds
    try:
        async with (
            connect_cache(settings) as redis,
            httpx.AsyncClient(
                base_url=base_url, headers=dict(headers), timeout=timeout, verify=tls_context()
            ) as client,
        ):
            budget = CreditBudget(redis, provider, [key], per_minute)
            metered = MeteredClient(provider, client, budget, Outage(redis, provider, key), timeout)
            try:
                yield metered
            finally:
                await metered.close()
    except RedisError as error:
        # Without the count not one request is safe.
        raise ProviderError(f"{provider}: Redis is needed for the budget: {type(error).__name__}") from error


def _read(response: httpx.Response) -> object:
    try:
        return json.loads(response.content, parse_float=Decimal)
    except ValueError:  # HTML, cut off, empty, not UTF-8
        return None
