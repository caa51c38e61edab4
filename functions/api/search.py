"""/search: tracked tickers by the start of the ticker or a part of the company's name."""

from dataclasses import replace

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from functions.api.formats import table_response
from functions.api.market_state import MarketState
from functions.api.parameters import Search
from functions.api.tables import TICKERS
from shared.http.response_data import ResponseData, absence_reason
from shared.http.tickers import find_similar, resolve

_MAX_AGE = 300


async def respond_search(connection: AsyncConnection, state: MarketState, query: Search) -> ResponseData:
    """Return the tickers that match, the best match first."""
    words = " ".join(query.q.split())
    items = await select_matches(connection, words, resolve(words.upper(), state.renames), query.limit)
    reason = None
    if not items:
        near = find_similar(words.upper(), state.active)
        hint = f" Did you mean {' or '.join(near)}?" if near else " /tickers lists those that are tracked."
        reason = absence_reason("no-match", f"No tracked ticker or name matches {words}.{hint}")
    members = {"count": len(items), "stale": False, "reason": reason}
    data = await table_response(query.format, members, ",\n".join(items), TICKERS, "search")
    return replace(data, max_age=_MAX_AGE)


async def select_matches(connection: AsyncConnection, words: str, ticker: str | None, limit: int) -> list[str]:
    """Return active tickers as JSON objects: *ticker* first, then tickers, then names that begin with *words*."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT to_json(item)::text
          FROM profiles AS profile
         CROSS JOIN LATERAL (SELECT profile.ticker, profile.name, profile.exchange, profile.industry) AS item
         CROSS JOIN LATERAL (SELECT upper(profile.name) AS name, upper(%(words)s) AS words) AS plain
         WHERE profile.active
           AND (profile.ticker = %(ticker)s
                OR starts_with(profile.ticker, plain.words)
                OR strpos(plain.name, plain.words) > 0)
         ORDER BY profile.ticker = %(ticker)s DESC NULLS LAST, starts_with(profile.ticker, plain.words) DESC,
                  starts_with(plain.name, plain.words) DESC, strpos(plain.name, ' ' || plain.words) > 0 DESC,
                  profile.ticker
         LIMIT %(limit)s
        """,
        {"words": words, "ticker": ticker, "limit": limit},
    )
    return await cursor.fetchall()
