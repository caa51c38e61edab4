"""The fake vendors, and a clock that tests move, for the tests of all that asks providers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest

from shared.calendar.trading import TradingCalendar
from shared.runtime import clock
from tests.fakes.market_data.market import Market, read_market
from tests.fakes.market_data.server import create_upstream, serving

KEY = "k3y-of-the-tests"
OTHER_KEY = "another-k3y"


@cache
def exchange() -> TradingCalendar:
    """The exchange's sessions from mid 2025 to the end of 2026."""
    return read_market(date(2025, 6, 1), date(2026, 12, 31))


def utc(text: str) -> datetime:
    """An instant from `2026-11-20 15:31`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.ahead = timedelta(0)
        """By how much it is wrong."""

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        """Move on, as in `forward(minutes=1)`."""
        self.at += timedelta(**span)


def set_clock(monkeypatch: pytest.MonkeyPatch, at: datetime) -> Hands:
    """Make *at* the time for everything in this process."""
    hands = Hands(at)
    monkeypatch.setattr(clock, "now", hands)
    return hands


class Vendors:
    """The fake vendors over HTTP, with their controls."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False)

    def get(self, path: str, key: str = KEY, **params: str) -> httpx.Response:
        """Ask Twelve Data (or Finnhub, under /api/v1) as its clients do."""
        headers = {"X-Finnhub-Token": key} if path.startswith("/api/") else {"Authorization": f"apikey {key}"}
        return self._client.get(path, params=params, headers=headers if key else {})

    def misbehave(self, kind: str, **options: Any) -> None:
        """Order a fault for the next request."""
        assert self._client.post("/misbehave", json={"kind": kind, **options}).status_code == 201

    def requests(self) -> list[dict[str, Any]]:
        """Requests received, oldest first."""
        return self._client.get("/requests").json()["requests"]

    def violations(self) -> list[dict[str, Any]]:
        """Requests beyond the budget."""
        return self._client.get("/requests").json()["violations"]

    def forget(self) -> None:
        """Forget what was asked, and all faults."""
        self._client.delete("/requests")
        self._client.delete("/misbehave")


@contextmanager
def vendors(market: Market | None = None, **options: Any) -> Iterator[Vendors]:
    """Serve the fake vendors; the simulated market unless *market* is given."""
    with serving(create_upstream(market or Market(exchange()), **options)) as url:
        yield Vendors(url)
