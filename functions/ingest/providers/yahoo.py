"""Yahoo's chart endpoint: hourly bars without a key, one request a ticker.

It is undocumented, changes without notice, may refuse any client, and its terms allow personal use only: it is never
used unless PROVIDERS names it, and must not be used in a public installation.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import FetchResult, NoCredits, ProviderError, WrongLabels
from functions.ingest.providers.metered_client import MeteredClient, RequestFailure, metered_client
from functions.ingest.providers.parsing import parse_decimal, parse_epoch, refuse_time, sent_text
from functions.ingest.settings import YAHOO, Settings
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar, RefusedBar
from shared.runtime import clock

_logger = logging.getLogger(__name__)

_REACH = timedelta(days=729)
"""Hours are there for 730 days."""
_DIGITS = Decimal("0.0001")
"""Prices are binary fractions of 32 bits (333.92269897); shares trade in steps of this at the finest."""
_LABELS = (
    ("dataGranularity", ("1h", "60m"), "interval-wrong"),
    ("currency", ("USD",), "currency-wrong"),
    ("exchangeTimezoneName", ("America/New_York",), "exchange-timezone-wrong"),
    ("instrumentType", ("EQUITY",), "instrument-wrong"),
)


class Yahoo:
    """Yahoo Finance, without a key."""

    name = "yahoo"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:  # noqa: ARG002
        """Serve as many of *asks* as the budget allows; the first refusal ends it."""
        bars: dict[FetchRequest, list[Bar]] = {}
        failures: dict[FetchRequest, str] = {}
        mislabelled: dict[FetchRequest, WrongLabels] = {}
        refused: dict[FetchRequest, tuple[RefusedBar, ...]] = {}
        async with metered_client(
            self.name,
            YAHOO,
            self._settings,
            base_url=self._settings.yahoo_base_url,
            # It answers 429 to clients that do not look like a browser.
            headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"},
            per_minute=self._settings.yahoo_calls_per_minute,
        ) as client:
            try:
                for ask in asks:
                    try:
                        chart = await self._fetch_chart(client, ask)
                        bars[ask], faults = read_chart(chart)
                        labels = _check_labels(chart.get("meta") or {})
                    except RequestFailure as failed:
                        failures[ask] = str(failed)
                        continue
                    except (AttributeError, KeyError, TypeError) as error:
                        failures[ask] = f"HTTP 200 with a chart of another shape: {error}"
                        continue
                    if faults:
                        refused[ask] = tuple(faults)
                    if labels:
                        mislabelled[ask] = labels
            except (NoCredits, ProviderError) as error:
                if not bars and not failures:
                    raise
                _logger.info("yahoo: served %d of %d tickers: %s", len(bars), len(asks), error or "budget used up")
        if failures and not bars:
            raise ProviderError(f"yahoo: {next(iter(failures.values()))}")
        return FetchResult(bars, client.requests, failures, refused, mislabelled, client.served_at)

    async def _fetch_chart(self, client: MeteredClient, ask: FetchRequest) -> Mapping[str, Any]:
        start = max(ask.start, clock.now() - _REACH)
        symbol = self._settings.yahoo_symbols.get(ask.ticker, ask.ticker.replace(".", "-"))
        params = {
            "interval": "60m",
            "period1": f"{start.timestamp():.0f}",
            "period2": f"{ask.end.timestamp():.0f}",
            "includePrePost": "false",
        }
        answer = await client.get(f"/v8/finance/chart/{symbol}", params)
        chart = answer.get("chart") if isinstance(answer, dict) else None
        results = chart.get("result") if isinstance(chart, dict) else None
        if not isinstance(results, list) or not results or not isinstance(results[0], dict):
            raise RequestFailure("HTTP 200 without a chart", 200)
        return results[0]


def read_chart(chart: Mapping[str, Any]) -> tuple[list[Bar], list[RefusedBar]]:
    """Return the bars in *chart* and those without a readable time; the live price that it appends is no bar.

    AttributeError, KeyError or TypeError for a chart of another shape.
    """
    times = chart.get("timestamp") or []
    quotes = (chart.get("indicators") or {}).get("quote") or [{}]
    live = (chart.get("meta") or {}).get("regularMarketTime")
    columns = [quotes[0].get(name) or [] for name in ("open", "high", "low", "close", "volume")]
    if not all(isinstance(column, list) for column in (times, *columns)):
        raise TypeError("columns that are no lists")
    bars: list[Bar] = []
    refused: list[RefusedBar] = []
    for time, *figures in zip_longest(times, *columns):
        *prices, volume = figures
        if (time is not None and time == live and not volume) or all(price is None for price in prices):
            continue
        start = parse_epoch(time)
        if start is None:
            refused.append(refuse_time([time, *figures]))
            continue
        first, high, low, close = map(_read_price, prices)
        shares = parse_decimal(volume)
        unreadable = any(one is not None and one.is_nan() for one in (first, high, low, close, shares))
        text = sent_text([time, *figures]) if unreadable else None
        bars.append(Bar(start=start, open=first, high=high, low=low, close=close, volume=shares, text=text))
    return bars, refused


def _read_price(value: object) -> Decimal | None:
    price = parse_decimal(value)
    return price if price is None or price.is_nan() else price.quantize(_DIGITS).normalize() + 0


def _check_labels(meta: Mapping[str, Any]) -> WrongLabels | None:
    """Return the labels of the chart that differ from the request, None if they match or are absent."""
    for name, expected, reason in _LABELS:
        found = meta.get(name)
        if found not in (None, "", *expected):
            return WrongLabels(reason, f"The {name} is {found}, not {expected[0]}.")
    return None


PROVIDER = Yahoo
