"""/ohlc: bars of one ticker or several, in pages; each continues every ticker where the previous one ended."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from psycopg import AsyncConnection

from functions.api.absence import explain_bars
from functions.api.bar_pages import bar_query, next_link, query_identity
from functions.api.bars import JsonSeries, select_bars
from functions.api.cursors import write_cursor
from functions.api.formats import table_response
from functions.api.market_state import MarketState
from functions.api.parameters import TickerBars
from functions.api.splits import Split, as_traded, describe_series, scales
from functions.api.tables import BARS
from shared.http.problem import bad_parameters
from shared.http.response_data import JsonRows, Reason, ResponseData, envelope, rfc3339
from shared.providers.adjustment import SPLIT_ADJUSTED

PAST_MAX_AGE = 3600
"""Seconds. A past state changes only when a delayed event arrives."""


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
    identity = query_identity(query, tickers)
    page = bar_query(query, tickers, identity, open_from)
    splits = [one for one in state.splits if one.ticker in tickers]
    series = await select_bars(connection, query.interval, page)
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
        return replace(data, max_age=PAST_MAX_AGE)
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
    return await describe_series(connection, series, own, query.as_of) | (
        {"adjusted": "none"} if query.adjust == "none" else {}
    )


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
    members = envelope(rows, reason) | {
        "interval": query.interval,
        "known_at": query.as_of and rfc3339(query.as_of),
        "open_from": open_from and rfc3339(open_from),
        "next_cursor": next_cursor,
        "series": adjusted,
    }
    file = f"{tickers[0] if len(tickers) == 1 else 'ohlc'}-{query.interval}"
    headers = next_link(query, next_cursor)
    return await table_response(query.format, members, rows.text, BARS[query.interval], file, headers)
