"""/ohlc: bars of one ticker or several, in pages that continue each ticker where the page before ended."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from psycopg import AsyncConnection

from functions.api.absence import explain_bars
from functions.api.bars import BarQuery, BarRange, JsonSeries, select_derived_bars, select_hourly_bars
from functions.api.cursors import read_cursor, write_cursor
from functions.api.formats import table_response
from functions.api.market_state import HOURLY, MarketState
from functions.api.parameters import MAX_BARS, TickerBars, given
from functions.api.splits import Split, adjustment, as_traded, scales, select_seams
from functions.api.tables import BARS
from shared.http.problem import bad_parameters
from shared.http.response_data import JsonRows, Reason, ResponseData, envelope, rfc3339
from shared.providers.adjustment import SPLIT_ADJUSTED

_DEFAULT_LIMIT = 500
_PAST_MAX_AGE = 3600
"""Seconds. A past state changes only when a delayed event arrives."""
_NOT_IDENTIFYING = {"cursor", "limit", "format", "tickers"}


async def respond_ohlc(
    connection: AsyncConnection,
    state: MarketState,
    query: TickerBars,
    tickers: Sequence[str],
    open_from: datetime | None,
) -> ResponseData:
    """Return bars by ticker, then time, none from before *open_from*. Without a start, pages lead back from the newest.

    Problem 404 for an unknown ticker, 400 for a cursor of another query or for more bars than a response holds.
    """
    identity = _identity(query, tickers)
    page = bar_query(query, tickers, identity, open_from)
    splits = [one for one in state.splits if one.ticker in tickers]
    series = await _select(connection, query.interval, page)
    if query.adjust == "none":
        known = scales(splits, query.as_of)
        series = [replace(one, text=as_traded(one.text, one.ticker, known)) for one in series]
    names: dict[str, tuple[str, str]] = {}
    if query.format not in ("csv", "arrow"):
        names = await select_names(connection, [one.ticker for one in series])
    rows = JsonRows(
        ",\n".join(add_names(one, names) for one in series),
        sum(one.count for one in series),
        max((one.newest_end for one in series), default=None),
        tuple(sorted({source for one in series for source in one.sources})),
    )
    edges = {
        one.ticker: int((one.oldest if page.from_newest else one.newest).timestamp()) for one in series if one.more
    }
    adjusted = [await _describe(connection, query, one, splits) for one in series]
    reason = None if rows.count else await explain_bars(connection, state, query, tickers, open_from)
    cursor = write_cursor(identity, edges) if edges else None
    data = await _render(query, tickers, rows, adjusted, open_from, cursor, reason)
    if query.as_of and query.as_of <= state.now:
        return replace(data, max_age=_PAST_MAX_AGE)
    return replace(data, next_update_at=state.next_update_at)


async def select_names(connection: AsyncConnection, tickers: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return by ticker the company's name as of now, and as it was stored when the ticker was added."""
    cursor = await connection.execute(
        """
        SELECT ticker.ticker, profile.name, ticker.name
          FROM tickers AS ticker
          JOIN profiles AS profile USING (ticker)
         WHERE ticker.ticker = ANY (%(tickers)s)
        """,
        {"tickers": list(tickers)},
    )
    return {ticker: (name, stored) for ticker, name, stored in await cursor.fetchall()}


def add_names(series: JsonSeries, names: Mapping[str, tuple[str, str]]) -> str:
    """Return the items of *series* with the company's names, which the first system's clients read."""
    if series.ticker not in names:
        return series.text
    start = f'{{"ticker":"{series.ticker}",'
    name, stored = (json.dumps(one, ensure_ascii=False) for one in names[series.ticker])
    return series.text.replace(start, f'{start}"name":{name},"stored_company_name":{stored},')


def bar_query(query: TickerBars, tickers: Sequence[str], identity: str, open_from: datetime | None) -> BarQuery:
    """Return the bars to read for *query*; Problem 400 as `respond_ohlc`."""
    fits = max(MAX_BARS // max(len(tickers), 1), 1)
    if query.limit and query.limit > fits:
        what = f"should be at most {fits} for {len(tickers)} tickers: a response has at most {MAX_BARS} bars"
        raise bad_parameters([("limit", what)])
    from_newest = query.order == "desc" or query.start is None
    first = query.start or open_from
    ranges = {ticker: BarRange(ticker, first, query.end) for ticker in tickers}
    if query.cursor:
        try:
            edges = read_cursor(identity, query.cursor, tickers)
        except ValueError:
            what = "should be a next_cursor of a response, with all other parameters unchanged"
            raise bad_parameters([("cursor", what)]) from None
        ranges = {ticker: _continue(ranges[ticker], edge, from_newest) for ticker, edge in edges.items()}
    return BarQuery(
        [*ranges.values()], query.limit or min(_DEFAULT_LIMIT, fits), from_newest, query.order == "desc", query.as_of
    )


async def _select(connection: AsyncConnection, interval: str, page: BarQuery) -> list[JsonSeries]:
    if interval == HOURLY:
        return await select_hourly_bars(connection, page)
    return await select_derived_bars(connection, interval, page)


async def _describe(
    connection: AsyncConnection, query: TickerBars, series: JsonSeries, splits: Sequence[Split]
) -> dict[str, object]:
    """Return how *series* is adjusted, and where its source changes; Problem 400 when raw prices are not known."""
    own = [one for one in splits if one.ticker == series.ticker]
    applied = [one for one in own if one.was_applied(query.as_of)]
    adjusting = SPLIT_ADJUSTED - {"simulated"}  # simulated shares have no splits
    if query.adjust == "none" and not applied and adjusting.issuperset(series.sources):
        what = f"should be splits: {', '.join(series.sources)} adjusts prices, and no split of {series.ticker} is known"
        raise bad_parameters([("adjust", what)])
    seams = len(set(series.sources)) > 1 and query.as_of is None
    return {
        "ticker": series.ticker,
        "adjusted": "none" if query.adjust == "none" else adjustment(series.sources, own, query.as_of),
        "splits": [{"date": one.date, "ratio": one.ratio} for one in applied],
        "seams": await select_seams(connection, series.ticker, series.oldest, series.newest_end) if seams else [],
    }


def _continue(bars: BarRange, edge: int, from_newest: bool) -> BarRange:
    """Return the part of *bars* beyond *edge*, never more: a cursor may be made up."""
    instant = datetime.fromtimestamp(edge, UTC)
    if from_newest:
        return replace(bars, end=min(instant, bars.end or instant))
    after = instant + timedelta(seconds=1)
    return replace(bars, first=max(after, bars.first or after))


def _identity(query: TickerBars, tickers: Sequence[str]) -> str:
    """Return the text that a cursor is bound to: all that decides which bars are read, not how many."""
    parameters = {name: str(value) for name, value in asdict(query).items() if name not in _NOT_IDENTIFYING}
    return f"{','.join(tickers)} {parameters}"


async def _render(
    query: TickerBars,
    tickers: Sequence[str],
    rows: JsonRows,
    adjusted: list[dict[str, object]],
    open_from: datetime | None,
    next_cursor: str | None,
    reason: Reason | None,
) -> ResponseData:
    """Return *rows* in the format of *query*."""
    headers: list[tuple[str, str]] = []
    if next_cursor:
        # Relative to what was requested, so that it is right behind any prefix.
        headers.append(("Link", f'<?{urlencode(_parameters(query) | {"cursor": next_cursor})}>; rel="next"'))
    members = envelope(rows, reason) | {
        "interval": query.interval,
        "known_at": query.as_of and rfc3339(query.as_of),
        "open_from": open_from and rfc3339(open_from),
        "next_cursor": next_cursor,
        "series": adjusted,
    }
    file = f"{tickers[0] if len(tickers) == 1 else 'ohlc'}-{query.interval}"
    return await table_response(query.format, members, rows.text, BARS[query.interval], file, headers)


def _parameters(query: TickerBars) -> dict[str, str]:
    """Return the parameters of the same query."""
    parameters = given(query)
    if query.format == "json":  # the default
        del parameters["format"]
    return {name: _text(value) for name, value in parameters.items()}


def _text(value: object) -> str:
    """Return *value* as a parameter is written."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return ",".join(value) if isinstance(value, tuple) else str(value)
