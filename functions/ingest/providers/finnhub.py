"""Finnhub: company profiles, and a second source for a price that jumped."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from functions.ingest.providers import NoCredits, ProviderError, ProviderPauses
from functions.ingest.providers.metered_client import MeteredClient, RequestFailure, metered_client
from functions.ingest.providers.parsing import parse_decimal
from functions.ingest.settings import Settings
from shared.events.types import Bar, Company

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
    """Return the profiles of tickers (by ticker: the name to use if Finnhub has none), as many as the budget allows.

    ProviderError when all calls failed, NoCredits when none may be made now.
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
    return Profiles(
        [_read_profile(ticker, names[ticker], profile) for ticker, profile in answers.items() if profile], calls
    )


async def confirm_closes(settings: Settings, newest: Mapping[str, Bar]) -> set[str]:
    """Return the tickers whose newest bar closes about where Finnhub's quote is; those without a quote are left out."""
    answers, _, failures = await _ask_all(settings, "/quote", list(newest))
    for failure in failures:
        _logger.warning("finnhub: no second opinion: %s", failure)
    return {ticker for ticker, quote in answers.items() if _agrees(quote, newest[ticker])}


async def _ask_all(
    settings: Settings, path: str, tickers: Sequence[str]
) -> tuple[dict[str, Mapping[str, object]], int, list[str]]:
    """Return the answers by ticker, the number of calls, and the failures.

    The first failure ends the calls: it would be the same for the rest.
    """
    if settings.finnhub_api_key is None:
        return {}, 0, ["FINNHUB_API_KEY is not set"]
    found: dict[str, Mapping[str, object]] = {}
    failures: list[str] = []
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(client: MeteredClient, ticker: str) -> None:
        async with gate:
            if failures:
                return
            try:
                answer = await client.get(path, {"symbol": settings.finnhub_symbols.get(ticker, ticker)})
            except (RequestFailure, ProviderError, ProviderPauses) as error:
                failures.append(str(error).removeprefix(f"{NAME}: "))
                return
            except NoCredits:
                return
            if isinstance(answer, dict) and "error" not in answer:
                found[ticker] = answer
            else:
                failures.append("200 without a JSON object")

    try:
        async with metered_client(
            NAME,
            settings.finnhub_api_key,
            settings,
            base_url=settings.finnhub_base_url,
            headers={"User-Agent": "StocksALot", "X-Finnhub-Token": settings.finnhub_api_key.reveal()},
            per_minute=settings.finnhub_calls_per_minute,
        ) as client:
            # The first alone: if it has no response, neither have the others.
            await ask(client, tickers[0])
            await asyncio.gather(*(ask(client, ticker) for ticker in tickers[1:]))
    except ProviderError as error:
        return {}, 0, [str(error).removeprefix(f"{NAME}: ")]
    return found, client.requests, failures


def _read_profile(ticker: str, name: str, profile: Mapping[str, object]) -> Company:
    """Return a profile; whatever is missing, empty or not of its kind is None."""
    return Company(
        ticker=ticker,
        name=_text(profile.get("name")) or name,
        exchange=_text(profile.get("exchange")),
        industry=_text(profile.get("finnhubIndustry")),
        country=_text(profile.get("country")),
        currency=_text(profile.get("currency")),
        ipo=_date(profile.get("ipo")),
        website=_text(profile.get("weburl")),
        logo=_text(profile.get("logo")),
        phone=(_text(profile.get("phone")) or "").removesuffix(".0") or None,
        market_cap_millions=_positive(profile.get("marketCapitalization")),
        shares_millions=_positive(profile.get("shareOutstanding")),
    )


def _agrees(quote: Mapping[str, object], bar: Bar) -> bool:
    """Return whether a quote from the time of *bar* or after lies near its close. All zeros mean "unknown"."""
    price, quoted_at = parse_decimal(quote.get("c")), parse_decimal(quote.get("t"))
    if price is None or quoted_at is None or not price.is_finite() or price <= 0 or not quoted_at.is_finite():
        return False
    if bar.close is None or not bar.close.is_finite() or quoted_at < Decimal(bar.start.timestamp()):
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
