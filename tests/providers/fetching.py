"""Requests of tests to a provider."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import FetchResult, open_provider
from functions.ingest.settings import Settings
from tests.fake_vendors import Vendors, exchange, utc

SATURDAY = utc("2026-11-21 12:00")
FRIDAY_NOON = utc("2026-11-20 17:10")
OPENS = utc("2026-11-20 14:30")
CLOSES = utc("2026-11-20 21:00")


def asks(*tickers: str, start: datetime = OPENS, end: datetime = CLOSES) -> list[FetchRequest]:
    """Requests for one day's bars."""
    return [FetchRequest(ticker, start, end) for ticker in tickers]


def fetch(settings: Settings, wanted: Sequence[FetchRequest], name: str = "twelvedata") -> FetchResult:
    """Return the provider's result."""
    return asyncio.run(_fetch(settings, wanted, name))


async def _fetch(settings: Settings, wanted: Sequence[FetchRequest], name: str = "twelvedata") -> FetchResult:
    return await open_provider(name, settings).fetch(wanted, "1h", exchange())


def series(upstream: Vendors, **params: str) -> list[dict[str, str]]:
    """The values of one hourly series of AAPL in UTC, oldest first, unless *params* say otherwise."""
    asked = {"symbol": "AAPL", "interval": "1h", "timezone": "UTC", "order": "asc"} | params
    return upstream.get("/time_series", **asked).json()["values"]
