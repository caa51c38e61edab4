"""How tests ask a provider, and for what."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from functions.ingest.due import Ask
from functions.ingest.providers import Answer, open_provider
from functions.ingest.settings import Settings
from tests.vendors import Vendors, exchange, utc

SATURDAY = utc("2026-11-21 12:00")
FRIDAY_NOON = utc("2026-11-20 17:10")
OPENS = utc("2026-11-20 14:30")
CLOSES = utc("2026-11-20 21:00")


def asks(*tickers: str, start: datetime = OPENS, end: datetime = CLOSES) -> list[Ask]:
    """Asks for one day's bars."""
    return [Ask(ticker, start, end) for ticker in tickers]


def fetch(told: Settings, wanted: Sequence[Ask], name: str = "twelvedata") -> Answer:
    """What the provider answers."""
    return asyncio.run(_fetch(told, wanted, name))


async def _fetch(told: Settings, wanted: Sequence[Ask], name: str = "twelvedata") -> Answer:
    return await open_provider(name, told).fetch(wanted, "1h", exchange())


def series(upstream: Vendors, **params: str) -> list[dict[str, str]]:
    """The values of one hourly series of AAPL in UTC, oldest first, unless told otherwise."""
    asked = {"symbol": "AAPL", "interval": "1h", "timezone": "UTC", "order": "asc"} | params
    return upstream.get("/time_series", **asked).json()["values"]
