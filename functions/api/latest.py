"""/latest and /latest/{ticker}: each ticker's own newest bar, beside the close of the session before."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.absence import nothing_stored
from functions.api.formats import table_response
from functions.api.market_state import MarketState
from functions.api.parameters import Latest, TickerLatest
from functions.api.tables import LATEST
from shared.http.problem import Problem
from shared.http.response_data import NO_ROWS, JsonRows, ResponseData, envelope


async def respond_latest(
    connection: AsyncConnection, state: MarketState, query: Latest, tickers: Sequence[str] | None
) -> ResponseData:
    """Return the newest bars of *tickers*, of all that are tracked if None, by ticker."""
    rows = await select_latest(connection, tickers)
    members = envelope(rows, None if rows.count else nothing_stored(state, tickers))
    data = await table_response(query.format, members, _only(rows.text, query.fields), query.fields or LATEST, "latest")
    return replace(data, next_update_at=state.next_update_at)


async def respond_ticker_latest(
    connection: AsyncConnection, state: MarketState, query: TickerLatest, ticker: str
) -> ResponseData:
    """Return the newest bar of *ticker*: one JSON object, a table of one row, or one value as text.

    Problem 404 for a ticker without a bar.
    """
    rows = await select_latest(connection, [ticker])
    if not rows.count:
        reason = nothing_stored(state, [ticker])
        raise Problem(404, "no-bar", "No bar", f"{reason['text']}", reason=reason)
    text = _only(rows.text, query.fields)
    if query.format in ("json", None):
        data = ResponseData(f'{text[:-1]},"stale":false}}\n'.encode())
    else:
        data = await table_response(query.format, envelope(rows), text, query.fields or LATEST, f"{ticker}-latest")
    return replace(data, next_update_at=state.next_update_at)


def _only(text: str, fields: Sequence[str] | None) -> str:
    """Return the JSON objects in *text* with the members *fields* alone, each value as it was; all of them if None."""
    if not fields:
        return text
    rows = msgspec.json.decode(f"[{text}]", type=list[dict[str, msgspec.Raw]])
    return ",\n".join(msgspec.json.encode({name: row[name] for name in fields}).decode() for row in rows)


async def select_latest(connection: AsyncConnection, tickers: Sequence[str] | None = None) -> JsonRows:
    """Return the newest hourly bar of *tickers*, of each active ticker if None."""
    cursor = connection.cursor(row_factory=class_row(JsonRows))
    await cursor.execute(
        """
        SELECT string_agg(to_json(item)::text, E',\n' ORDER BY item.ticker) AS text,
               count(*) AS count,
               max(bar."end") AS newest_end,
               array_agg(DISTINCT bar.source) AS sources
          FROM newest_bars AS bar
          JOIN profiles AS profile USING (ticker)
         CROSS JOIN (SELECT max(start) AS start FROM newest_bars) AS market
         CROSS JOIN LATERAL (
               SELECT rfc3339(bar.start) AS datetime,
                      unix_seconds(bar.start) AS timestamp,
                      bar.ticker,
                      profile.name,
                      bar.open,
                      bar.high,
                      bar.low,
                      bar.close,
                      bar.volume,
                      bar.source,
                      bar.stored_company_name,
                      '1h' AS interval,
                      rfc3339(bar."end") AS "end",
                      bar.session,
                      bar.revision,
                      rfc3339(bar.received_at) AS received_at,
                      bar.received_at >= bar."end" AS is_final,
                      bar.start = market.start AS is_newest,
                      bar.previous_close,
                      rfc3339(CASE WHEN bar.previous_close IS NOT NULL THEN bar.previous_closes END)
                          AS previous_close_at,
                      bar.close - bar.previous_close AS change,
                      round((bar.close - bar.previous_close) / bar.previous_close * 100, 4) AS change_percent
             ) AS item
         WHERE %(tickers)s::text[] IS NULL OR bar.ticker = ANY (%(tickers)s)
        HAVING count(*) > 0
        """,
        {"tickers": tickers and list(tickers)},
    )
    return await cursor.fetchone() or NO_ROWS
