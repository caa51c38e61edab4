"""Alpaca's /v2/stocks/bars: half hours of all tickers in one request, paired to the exchange's hours.

Its own hours are cut on the clock. Half hours outside sessions come unrequested and are left out. The free plan has all
exchanges (SIP) 15 minutes late, or IEX alone (about 3.5 % of the volume) at once: the source of the bars says which.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from functions.ingest import volumes
from functions.ingest.csv_files.grid import Grid
from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import FetchResult, NoCredits, ProviderError
from functions.ingest.providers.metered_client import MeteredClient, RequestFailure, metered_client
from functions.ingest.providers.parsing import parse_decimal, parse_instant, refuse, refuse_time, sent_text
from functions.ingest.settings import Settings
from shared.calendar.clock_search import extend_faults, week_of
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar, RefusedBar
from shared.runtime import clock

_logger = logging.getLogger(__name__)

_PATH = "/v2/stocks/bars"
_ROWS = 10_000
"""Bars of one page, over all symbols."""
_PAGES = 20
"""Pages of one fetch at most, so that a tick ends in time."""
_SIP_DELAY = timedelta(minutes=16)
"""The free plan has no newer trades of all exchanges than a quarter of an hour ago."""
_HALF = timedelta(minutes=30)

Row = Mapping[str, Any]


class Alpaca:
    """Alpaca with one key; a free one will do."""

    name = "alpaca"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:  # noqa: ARG002
        """Serve *asks*, those of one window together, as far as the budget allows."""
        assert self._settings.alpaca_key_id  # noqa: S101  the settings were checked
        assert self._settings.alpaca_secret_key  # noqa: S101
        headers = {
            "APCA-API-KEY-ID": self._settings.alpaca_key_id.reveal(),
            "APCA-API-SECRET-KEY": self._settings.alpaca_secret_key.reveal(),
            "User-Agent": "StocksALot",
        }
        bars: dict[FetchRequest, list[Bar]] = {}
        refused: dict[FetchRequest, tuple[RefusedBar, ...]] = {}
        failures: dict[FetchRequest, str] = {}
        async with metered_client(
            self.name,
            self._settings.alpaca_key_id,
            self._settings,
            base_url=self._settings.alpaca_base_url,
            headers=headers,
            per_minute=self._settings.alpaca_calls_per_minute,
        ) as client:
            try:
                for batch in _batches(asks, market):
                    served, failure = await self._fetch_batch(client, batch)
                    for ask, rows in served.items():
                        bars[ask], faults = pair(rows, ask, market, self._until())
                        if faults:
                            refused[ask] = tuple(faults)
                    if failure:
                        failures |= {ask: failure for ask in batch if ask not in served}
            except (NoCredits, ProviderError):
                if not bars and not failures:
                    raise
        for reason in dict.fromkeys(failures.values()):
            _logger.warning("alpaca: %s", reason)
        if failures and not bars:
            raise ProviderError(f"alpaca: {next(iter(failures.values()))}")
        return FetchResult(
            bars,
            client.requests,
            failures,
            refused=refused,
            served_at=client.served_at,
            source=f"{self.name}-{self._settings.alpaca_feed}",
        )

    def _until(self) -> datetime:
        """Return the end of the newest half hour that the feed has whole."""
        known = clock.now() - (_SIP_DELAY if self._settings.alpaca_feed == "sip" else timedelta())
        return known.replace(minute=known.minute // 30 * 30, second=0, microsecond=0)

    async def _fetch_batch(
        self, client: MeteredClient, batch: Sequence[FetchRequest]
    ) -> tuple[dict[FetchRequest, list[Row]], str | None]:
        """Return the rows of each of *batch* that came whole, and why the others did not."""
        start, end = min(ask.start for ask in batch), min(max(ask.end for ask in batch), self._until())
        asks = {self._settings.alpaca_symbols.get(ask.ticker, ask.ticker): ask for ask in batch}
        if start >= end:
            return {ask: [] for ask in batch}, None
        params = {
            "symbols": ",".join(sorted(asks)),
            "timeframe": "30Min",
            "start": _instant(start),
            # The end counts too: a bar that starts there is not asked for.
            "end": _instant(end - timedelta(seconds=1)),
            "limit": str(_ROWS),
            "adjustment": "split",
            "feed": self._settings.alpaca_feed,
            "sort": "asc",
        }
        rows: dict[str, list[Row]] = {}
        page = None
        try:
            for _ in range(_PAGES):
                answer = _read_page(await client.get(_PATH, params | ({"page_token": page} if page else {})))
                for symbol, some in answer["bars"].items():
                    # A value that is not a list is a failure of its symbol.
                    rows.setdefault(symbol, []).extend(some if isinstance(some, list) else [some])
                if not (page := answer.get("next_page_token")):
                    # Symbols without bars are absent.
                    return {ask: rows.get(symbol, []) for symbol, ask in asks.items()}, None
            failure = None
        except RequestFailure as failed:
            failure = f"{failed} {_message(failed.body)}".strip()
        # By symbol, then by time: all symbols before the last one seen are whole.
        last = max(rows, default="")
        return {ask: rows.get(symbol, []) for symbol, ask in asks.items() if symbol < last}, failure


def pair(
    rows: Iterable[Any], ask: FetchRequest, market: TradingCalendar, until: datetime
) -> tuple[list[Bar], list[RefusedBar]]:
    """Return the hours of *ask* that the half hours *rows* make, and the halves that are part of none by *until*."""
    halves: dict[datetime, Row] = {}
    refused: list[RefusedBar] = []
    for row in rows:
        start = parse_instant(row.get("t")) if isinstance(row, Mapping) else None
        if start is None:
            refused.append(refuse_time(row))
            continue
        if start in halves and halves[start] != row:
            detail = "A later half hour of the same answer has the same start and other figures."
            refused.append(refuse(start, "contradicted", detail, halves[start]))
        halves[start] = row
        session = market.session_at(start)
        if session and (start - session.opens) % _HALF:
            refused.append(refuse(start, "off-grid", "The half hour starts beside the grid of the session.", row))
    refused += _drop_false_weeks(halves, ask, market)
    bars: list[Bar] = []
    for start in market.starts("1h", ask.start, ask.end):
        session = market.session_at(start)
        assert session is not None  # noqa: S101  starts lie in sessions
        wanted = [start] if session.end("1h", start) - start <= _HALF else [start, start + _HALF]
        found = [halves[half] for half in wanted if half in halves]
        if len(found) == len(wanted):
            bar, fault = _join(start, found)
            bars.append(bar)
            if fault:
                refused.append(refuse(start, volumes.REASON, fault, found))
        elif found and session.end("1h", start) <= until:
            detail = "Alpaca has one of the two half hours of this hour."
            refused.append(refuse(start, "hour-incomplete", detail, found))
    return bars, refused


def _drop_false_weeks(halves: dict[datetime, Row], ask: FetchRequest, market: TradingCalendar) -> list[RefusedBar]:
    """Take out of *halves* the weeks whose times another clock explains: store does not see those outside sessions."""
    weeks: dict[tuple[int, int], list[datetime]] = {}
    for start in sorted(halves):
        if ask.start <= start < ask.end:
            weeks.setdefault(week_of(start), []).append(start)
    grid = Grid(market, _HALF)
    missing = Counter(week_of(start) for start in market.starts("1h", ask.start, ask.end) if start not in halves)
    # A week without a missing hour and without an impossible one needs no search for another clock.
    doubtful = {week for week, some in weeks.items() if missing[week] or not all(map(grid.is_extended, some))}
    faults = {week: fault for week in sorted(doubtful) if (fault := grid.clock_fault(weeks[week]))}
    return [
        refuse(start, "clock-doubtful", fault, halves.pop(start))
        for week, fault in extend_faults(weeks, faults).items()
        for start in weeks[week]
    ]


def _join(start: datetime, halves: Sequence[Row]) -> tuple[Bar, str | None]:
    """Return the hour of *halves*, and why it has no volume although one of them has."""
    figures = [{name: parse_decimal(row.get(name)) for name in "ohlcv"} for row in halves]
    unreadable = any(figure is not None and figure.is_nan() for one in figures for figure in one.values())
    volume, fault = volumes.add_volumes([volumes.Part(one["v"], one["l"], one["h"]) for one in figures])
    bar = Bar(
        start=start,
        open=figures[0]["o"],
        high=_combine(max, [one["h"] for one in figures]),
        low=_combine(min, [one["l"] for one in figures]),
        close=figures[-1]["c"],
        volume=volume,
        text=sent_text(list(halves)) if unreadable else None,
    )
    return bar, fault


def _combine(together: Any, figures: Sequence[Decimal | None]) -> Decimal | None:
    """Return *together* of *figures*; None where one is missing, NaN where one cannot be read."""
    known = [figure for figure in figures if figure is not None]
    if len(known) < len(figures):
        return None
    return next((figure for figure in known if figure.is_nan()), None) or Decimal(together(known))


def _batches(asks: Sequence[FetchRequest], market: TradingCalendar) -> list[list[FetchRequest]]:
    """Return *asks* in one batch where a page holds their common window, else by window."""
    first, last = min(ask.start for ask in asks), max(ask.end for ask in asks)
    # Extended hours come too: 32 half hours a day.
    days = sum(first <= session.closes and session.opens <= last for session in market.sessions)
    if days * 32 * len(asks) <= _ROWS:
        return [list(asks)]
    by_window: dict[tuple[datetime, datetime], list[FetchRequest]] = {}
    for ask in asks:
        by_window.setdefault((ask.start, ask.end), []).append(ask)
    return list(by_window.values())


def _read_page(answer: Any) -> dict[str, Any]:
    bars = answer.get("bars") if isinstance(answer, dict) else None
    if not isinstance(bars, dict):
        raise RequestFailure("HTTP 200 without bars", 200)
    return answer


def _message(body: object) -> str:
    return str(body.get("message", ""))[:200] if isinstance(body, dict) else ""


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


PROVIDER = Alpaca
