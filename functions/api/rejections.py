"""/rejections: bars that were sent and not stored, with the reason, the text as sent, and advice."""

import json
from dataclasses import replace
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from functions.api.market_state import MarketState
from functions.api.parameters import Rejections
from functions.api.rejection_reasons import reason
from shared.http.response_data import ResponseData, absence_reason, json_body


async def respond_rejections(connection: AsyncConnection, state: MarketState, query: Rejections) -> ResponseData:
    """Return the rejected bars of a ticker or of all, newest first; Problem 404 for an unknown ticker."""
    if query.ticker:
        query = replace(query, ticker=state.resolve_tickers([query.ticker])[0])
    rows = await select_rejections(connection, query)
    page = rows[: query.limit]
    items = [row | {"text": reason(row["reason"]).text, "advice": reason(row["reason"]).advice} for row in page]
    members = {
        "count": len(items),
        "stale": False,
        "reason": None if items else absence_reason("none-found", "No bar was refused, or none beyond this cursor."),
        "next_cursor": page[-1]["id"] if len(rows) > query.limit else None,
    }
    return ResponseData(json_body(members, ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)))


async def select_rejections(connection: AsyncConnection, query: Rejections) -> list[dict[str, Any]]:
    """Return one rejected bar more than the page has."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        SELECT id, ticker, interval, rfc3339(start) AS datetime, reason, detail, source,
               rfc3339(received_at) AS received_at, bar AS sent
          FROM rejected_bars
         WHERE (%(ticker)s::text IS NULL OR ticker = %(ticker)s)
           AND (%(before)s::bigint IS NULL OR id < %(before)s)
         ORDER BY id DESC
         LIMIT %(limit)s + 1
        """,
        {"ticker": query.ticker, "before": query.cursor, "limit": query.limit},
    )
    return await cursor.fetchall()
