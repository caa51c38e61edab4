"""/indicators: averages, bands and oscillators over the bars of one ticker, each figure with its bar.

A value is the same whatever page it is on: the bars before a page are read as far as they matter, but none that the
caller may not read. What a value rests on must be whole: where too few bars, a missing one or another scale of prices
comes into it, `complete` is false and the reason is in `incomplete`.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection

from functions.api.absence import explain_bars
from functions.api.bar_pages import bar_query, next_link, query_identity
from functions.api.bars import BarQuery, BarRange, JsonSeries, select_bars, select_traded_values
from functions.api.continuity import WARM_UP, explain_period, explain_session, find_complete_runs, session_places
from functions.api.cursors import write_cursor
from functions.api.formats import table_response
from functions.api.indicator_formulas import PriceSeries, Values
from functions.api.indicator_requests import VWAP, Indicator, read_indicator
from functions.api.market_state import HOURLY, MarketState
from functions.api.ohlc import PAST_MAX_AGE
from functions.api.parameters import Indicators
from functions.api.splits import describe_series
from functions.api.tables import INDICATED
from shared.calendar.trading import TradingCalendar, select_calendar
from shared.http.response_data import JsonRows, ResponseData, envelope, rfc3339

_DIGITS = 6
"""After the point, of every value."""

Rows = Sequence[Mapping[str, Any]]


async def respond_indicators(
    connection: AsyncConnection,
    state: MarketState,
    query: Indicators,
    ticker: str,
    open_from: datetime | None,
    readable_from: datetime | None,
) -> ResponseData:
    """Return the indicators of *query* at bars of *ticker*, as /ohlc pages them; none rests on older bars than allowed.

    Problem 400 for a cursor of another query.
    """
    indicators = [read_indicator(one) for one in query.indicators]
    identity = query_identity(query, [ticker])
    page = bar_query(query, [ticker], identity, open_from)
    found = await select_bars(connection, query.interval, replace(page, newest_first=False))
    series = found[0] if found else None
    cursor, described, text = None, [], ""
    if series:
        if series.more:
            edge = series.oldest if page.from_newest else series.newest
            cursor = write_cursor(identity, {ticker: int(edge.timestamp())})
        before = await _select_before(connection, query, indicators, series, readable_from)
        series = _joined(before, series)
        splits = [one for one in state.splits if one.ticker == ticker]
        described = [await describe_series(connection, series, splits, query.as_of)]
        calendar = await select_calendar(connection, series.oldest, series.newest_end)
        rows = json.loads(f"[{series.text}]", parse_float=Decimal)
        traded: dict[datetime, Decimal] = {}
        if query.interval != HOURLY and any(one.kind == VWAP for one in indicators):
            traded = await select_traded_values(connection, ticker, _periods(rows), query.as_of)
        scales = [one.starts_at for one in splits if not one.was_applied(query.as_of)]
        first = before.count if before else 0
        lines = await asyncio.to_thread(
            _items, rows, first, indicators, query.interval, calendar, scales, traded, query.as_of or state.now
        )
        text = ",\n".join(reversed(lines) if page.newest_first else lines)
    shown = JsonRows(text, found[0].count, series.newest_end, series.sources) if series else JsonRows("", 0, None, ())
    reason = None if series else await explain_bars(connection, state, query, [ticker], open_from)
    members = envelope(shown, reason) | {
        "interval": query.interval,
        "known_at": query.as_of and rfc3339(query.as_of),
        "open_from": readable_from and rfc3339(readable_from),
        "next_cursor": cursor,
        "series": described,
        "indicators": [_describe(one) for one in indicators],
    }
    columns = [name for one in indicators for name in one.columns]
    table = (*INDICATED, *(f"{part}.{name}" for name in columns for part in ("values", "incomplete")))
    file = f"{ticker}-{query.interval}-indicators"
    data = await table_response(query.format, members, text, table, file, next_link(query, cursor))
    if query.as_of and query.as_of <= state.now:
        return replace(data, max_age=PAST_MAX_AGE)
    return replace(data, next_update_at=state.next_update_at)


async def _select_before(
    connection: AsyncConnection,
    query: Indicators,
    indicators: Sequence[Indicator],
    series: JsonSeries,
    readable_from: datetime | None,
) -> JsonSeries | None:
    """Return the bars before those of *series* that their values rest on, of those that the caller may read."""
    reach = max(one.warm_up_bars for one in indicators) - 1
    if reach == 0:
        return None
    bars = BarRange(series.ticker, readable_from, series.oldest)
    found = await select_bars(connection, query.interval, BarQuery([bars], reach, True, known_at=query.as_of))
    return found[0] if found else None


def _joined(before: JsonSeries | None, series: JsonSeries) -> JsonSeries:
    """Return both as one series; the sources are those of all bars that the values rest on."""
    if before is None:
        return series
    sources = tuple(sorted({*before.sources, *series.sources}))
    return replace(series, text=f"{before.text},\n{series.text}", oldest=before.oldest, sources=sources)


def _periods(rows: Rows) -> list[tuple[datetime, datetime]]:
    return [(datetime.fromisoformat(row["datetime"]), datetime.fromisoformat(row["end"])) for row in rows]


def _items(
    rows: Rows,
    first: int,
    indicators: Sequence[Indicator],
    interval: str,
    calendar: TradingCalendar,
    scales: Sequence[datetime],
    traded: Mapping[datetime, Decimal],
    now: datetime,
) -> list[str]:
    """Return the items of *rows* from the index *first* on, as JSON."""
    whole = find_complete_runs(rows, interval, calendar, scales, now)
    starts = session_places(calendar) if interval == HOURLY else {}
    prices = _prices(rows, {name: session for name, (session, _) in starts.items()})
    columns: list[tuple[str, int, Values]] = []
    for one in indicators:
        values = one.compute(prices)
        if one.kind == VWAP and interval != HOURLY:
            values = ([_float(traded.get(datetime.fromisoformat(row["datetime"]))) for row in rows],)
        columns += zip(one.columns, one.windows, values, strict=True)
    lines: list[str] = []
    for index in range(first, len(rows)):
        row = rows[index]
        figures: dict[str, float | None] = {}
        incomplete: dict[str, str] = {}
        for name, window, values in columns:
            value = values[index]
            figures[name] = None if value is None else round(value, _DIGITS)
            if name != VWAP:
                reason = whole[index].explain(index, window)
            elif interval == HOURLY:
                reason = explain_session(rows, starts, index, whole[index])
            else:
                reason = explain_period(row, whole[index], index)
            if reason is None and value is None:
                reason = WARM_UP
            if reason:
                incomplete[name] = reason
        close = f"{row['close']:f}" if isinstance(row["close"], Decimal) else row["close"]
        own = json.dumps({name: row[name] for name in INDICATED if name in row and name not in ("close", "complete")})
        lines.append(
            f'{own[:-1]}, "close": {close}, "complete": {"false" if incomplete else "true"}, '
            f'"values": {json.dumps(figures)}, "incomplete": {json.dumps(incomplete)}}}'
        )
    return lines


def _prices(rows: Rows, sessions: Mapping[str, int]) -> PriceSeries:
    """Return *rows* in columns, their prices as whole numbers."""
    names = ("high", "low", "close")
    digits = max((-int(Decimal(row[name]).as_tuple().exponent) for row in rows for name in names), default=0)
    unit = 10 ** max(digits, 0)
    high, low, close = ([int(row[name] * unit) for row in rows] for name in names)
    volume = [None if row["volume"] is None else int(row["volume"]) for row in rows]
    return PriceSeries(unit, high, low, close, volume, [sessions.get(row["datetime"], 0) for row in rows])


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _describe(indicator: Indicator) -> dict[str, object]:
    """Return the indicator as the response lists it."""
    return {
        "name": str(indicator),
        "values": indicator.columns,
        "bars": max(indicator.windows) if indicator.kind != VWAP else None,
        "definition": indicator.definition,
    }
