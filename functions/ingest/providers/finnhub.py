"""Finnhub: company profiles, and a second opinion on a price that jumped."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import httpx
from redis.exceptions import RedisError

from functions.ingest.outages import Outage, is_server_fault
from functions.ingest.providers import NoCredits, ProviderError
from functions.ingest.providers.parsing import parse_decimal
from functions.ingest.settings import Settings
from shared.connections.redis import connect_cache
from shared.events.types import Bar, Company
from shared.providers.credits import AllKeysSuspended, CreditBudget, CreditGrant, short_hash
from shared.runtime.settings import Secret

_logger = logging.getLogger(__name__)

NAME = "finnhub"
_AT_ONCE = 6
"""Well below the 30 calls a second that hold for everyone."""
_AGREES = Decimal("0.1")


class Profiles(NamedTuple):
    """Result of a request for profiles; companies unknown to Finnhub are left out."""

    companies: list[Company]
    calls: int


async def fetch_profiles(settings: Settings, names: Mapping[str, str]) -> Profiles:
    """Return the profiles of tickers (by ticker: the name to use if Finnhub tells none), as many as the budget allows.

    ProviderError when nothing could be had, NoCredits when nothing may be asked now.
    """
    answers, calls, failures = await _ask_all(settings, "/stock/profile2", list(names))
    for failure in failures:
        _logger.warning("finnhub: %s", failure)
    unknown = [ticker for ticker, answer in answers.items() if not answer]
    if unknown:
        _logger.warning("finnhub: has no profile of %s", ", ".join(unknown))
    if not answers and failures:
        raise ProviderError(f"finnhub: {failures[0]}")
    if not answers:
        raise NoCredits
    return Profiles([_read_profile(ticker, names[ticker], told) for ticker, told in answers.items() if told], calls)


async def confirm(settings: Settings, newest: Mapping[str, Bar]) -> set[str]:
    """Return the tickers whose newest bar closes about where Finnhub's quote is; without those that it cannot tell."""
    answers, _, failures = await _ask_all(settings, "/quote", list(newest))
    for failure in failures:
        _logger.warning("finnhub: no second opinion: %s", failure)
    return {ticker for ticker, quote in answers.items() if _agrees(quote, newest[ticker])}


@dataclass
class _Calls:
    """Calls under one grant of credits; the first failure ends them, since it would be the same for the rest."""

    settings: Settings
    client: httpx.AsyncClient
    budget: CreditBudget
    grant: CreditGrant
    failures: list[str] = field(default_factory=list)
    outage: bool = False
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def ask(self, path: str, ticker: str) -> dict[str, object] | None:
        """Return the JSON object of one answer, None when this or another call failed."""
        async with self.gate:
            if self.failures:
                return None
            symbol = self.settings.finnhub_symbols.get(ticker, ticker)
            try:
                async with asyncio.timeout(self.settings.provider_timeout_seconds):
                    response = await self.client.get(path, params={"symbol": symbol})
            except TimeoutError:
                self.outage = True
                self.failures.append("no answer in time")
                return None
            except httpx.HTTPError as error:
                self.outage = True
                self.failures.append(f"no answer: {type(error).__name__}")
                return None
            return await self._read(response)

    async def _read(self, response: httpx.Response) -> dict[str, object] | None:
        if response.status_code == 429:
            await self.budget.mark_spent(self.grant, "minute")
            self.failures.append("429, out of calls for the minute")
        elif response.status_code in (401, 403):
            await self.budget.suspend(self.grant)
            _logger.error("finnhub: key %s is set aside for an hour", short_hash(self.grant.key))
            self.failures.append(f"key refused with {response.status_code}")
        elif response.status_code != 200:
            self.outage |= is_server_fault(response.status_code)
            self.failures.append(f"HTTP {response.status_code}")
        else:
            # The content type is not to be relied on.
            try:
                answer = json.loads(response.content, parse_float=Decimal)
            except ValueError:
                answer = None
            if isinstance(answer, dict) and "error" not in answer:
                return answer
            self.failures.append("200 without a JSON object")
        return None


async def _ask_all(
    settings: Settings, path: str, tickers: Sequence[str]
) -> tuple[dict[str, dict[str, object]], int, list[str]]:
    """Return the answers by ticker, the calls granted, and what failed."""
    if settings.finnhub_api_key is None:
        return {}, 0, ["FINNHUB_API_KEY is not set"]
    try:
        async with connect_cache(settings) as redis, _client(settings, settings.finnhub_api_key) as client:
            budget = CreditBudget(redis, NAME, [settings.finnhub_api_key], settings.finnhub_calls_per_minute)
            outage = Outage(redis, NAME, settings.finnhub_base_url)
            if pause := await outage.remaining():
                return {}, 0, [f"pauses for {pause} after an outage"]
            grants = await budget.acquire(len(tickers))
            if not grants:
                return {}, 0, []
            calls = _Calls(settings, client, budget, grants[0])
            asked = tickers[: grants[0].credits]
            # The first alone: if it has no response, neither have the others.
            answers = [await calls.ask(path, asked[0])]
            answers += await asyncio.gather(*(calls.ask(path, ticker) for ticker in asked[1:]))
            if calls.outage and answers[0] is None:
                await outage.record()
            elif not calls.outage:
                await outage.end()
    except AllKeysSuspended:
        return {}, 0, ["the key was refused within the last hour"]
    except RedisError as error:
        return {}, 0, [f"Redis is needed for the budget: {type(error).__name__}"]
    found = {ticker: told for ticker, told in zip(asked, answers, strict=True) if told is not None}
    return found, len(asked), calls.failures


def _client(settings: Settings, key: Secret) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=settings.finnhub_base_url,
        timeout=settings.provider_timeout_seconds,
        headers={"User-Agent": "StocksALot", "X-Finnhub-Token": key.reveal()},
    )


def _read_profile(ticker: str, name: str, told: Mapping[str, object]) -> Company:
    """Return a profile; whatever is missing, empty or not of its kind is None."""
    return Company(
        ticker=ticker,
        name=_text(told.get("name")) or name,
        exchange=_text(told.get("exchange")),
        industry=_text(told.get("finnhubIndustry")),
        country=_text(told.get("country")),
        currency=_text(told.get("currency")),
        ipo=_date(told.get("ipo")),
        website=_text(told.get("weburl")),
        logo=_text(told.get("logo")),
        phone=(_text(told.get("phone")) or "").removesuffix(".0") or None,
        market_cap_millions=_positive(told.get("marketCapitalization")),
        shares_millions=_positive(told.get("shareOutstanding")),
    )


def _agrees(quote: Mapping[str, object], bar: Bar) -> bool:
    """Return whether a quote from the time of *bar* or after lies near its close. All zeros mean "unknown"."""
    price, told_at = parse_decimal(quote.get("c")), parse_decimal(quote.get("t"))
    if price is None or told_at is None or not price.is_finite() or price <= 0 or not told_at.is_finite():
        return False
    if bar.close is None or not bar.close.is_finite() or told_at < Decimal(bar.start.timestamp()):
        return False
    return abs(price - bar.close) <= _AGREES * price


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _positive(value: object) -> Decimal | None:
    found = parse_decimal(value)
    return found if found is not None and found.is_finite() and found > 0 else None
