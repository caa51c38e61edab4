"""HTTP client of a provider with one key: every request is counted before it is made, refusals pause the key."""

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

from functions.ingest.providers import NoCredits, ProviderError
from functions.ingest.providers.parsing import parse_date
from functions.ingest.settings import Settings
from shared.connections.redis import connect_cache
from shared.providers.credits import AllKeysSuspended, CreditBudget, short_hash
from shared.runtime.settings import Secret

_logger = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(days=1)
_THROTTLED = timedelta(minutes=5)
"""Pause after a 429 that names none."""


class FailedRequest(Exception):  # noqa: N818  a failure of one request, not of the program
    """A request without a usable answer; *status* is that of the HTTP response, 0 for none."""

    def __init__(self, message: str, status: int = 0, body: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class MeteredClient:
    """Client of *provider* under one key, as far as its budget allows."""

    def __init__(self, provider: str, client: httpx.AsyncClient, budget: CreditBudget, timeout: float) -> None:
        self._provider = provider
        self._client = client
        self._budget = budget
        self._timeout = timeout
        self.requests = 0
        self.served_at: datetime | None = None
        """The provider's time at its first response."""

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        """Return the JSON of a response, its fractions as decimals.

        NoCredits when the budget is used up, ProviderError when the key may not be used, FailedRequest for the rest.
        """
        try:
            grants = await self._budget.acquire(1)
        except AllKeysSuspended as error:
            raise ProviderError(f"{self._provider}: pauses, it refused a request lately") from error
        if not grants:
            raise NoCredits
        grant = grants[0]
        self.requests += 1
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.get(path, params=dict(params))
        except TimeoutError as error:
            raise FailedRequest("no answer in time") from error
        except httpx.HTTPError as error:
            raise FailedRequest(f"no answer: {type(error).__name__}") from error
        self.served_at = self.served_at or parse_date(response.headers.get("date", ""))
        body = _read(response)
        if response.status_code in (429, 503):
            seconds = response.headers.get("retry-after", "")
            pause = timedelta(seconds=int(seconds)) if seconds.isdecimal() and len(seconds) < 7 else _THROTTLED
            if seconds or response.status_code == 429:
                await self._budget.suspend(grant, min(pause, _LONGEST_PAUSE))
            raise ProviderError(f"{self._provider}: HTTP {response.status_code}, pauses for {pause}")
        if response.status_code == 401:
            await self._budget.suspend(grant)
            _logger.error("%s: key %s is refused, and pauses for an hour", self._provider, short_hash(grant.key))
            raise ProviderError(f"{self._provider}: the key is refused")
        if response.status_code != 200:
            raise FailedRequest(f"HTTP {response.status_code}", response.status_code, body)
        if body is None:
            raise FailedRequest("HTTP 200 without JSON", 200)
        return body


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
            httpx.AsyncClient(base_url=base_url, headers=dict(headers), timeout=timeout) as client,
        ):
            yield MeteredClient(provider, client, CreditBudget(redis, provider, [key], per_minute), timeout)
    except RedisError as error:
        # Without the count not one request is safe.
        raise ProviderError(f"{provider}: Redis is needed for the budget: {type(error).__name__}") from error


def _read(response: httpx.Response) -> object:
    try:
        return json.loads(response.content, parse_float=Decimal)
    except ValueError:  # HTML, cut off, empty, not UTF-8
        return None
