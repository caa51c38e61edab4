"""/tickers and /tickers/{ticker}: tracked tickers, and the profile of each company."""

from dataclasses import replace

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from functions.api.formats import table_response
from functions.api.parameters import Table
from functions.api.tables import TICKERS
from shared.http.response_data import ResponseData, absence_reason
from shared.http.tickers import unknown_ticker

_MAX_AGE = 300


async def respond_tickers(connection: AsyncConnection, query: Table) -> ResponseData:
    """Return the tickers that are tracked, in order."""
    items = await select_tickers(connection)
    reason = None if items else absence_reason("none-tracked", "No ticker is tracked. Ask the operator.")
    members = {"count": len(items), "stale": False, "reason": reason}
    data = await table_response(query.format, members, ",\n".join(items), TICKERS, "tickers")
    return replace(data, max_age=_MAX_AGE)


async def respond_ticker(connection: AsyncConnection, ticker: str) -> ResponseData:
    """Return the profile of one company; Problem 404 for an unknown ticker."""
    profile = await select_profile(connection, ticker)
    if profile is None:
        raise unknown_ticker(ticker)
    return ResponseData(f'{profile[:-1]},"stale":false}}\n'.encode(), max_age=_MAX_AGE)


async def select_tickers(connection: AsyncConnection) -> list[str]:
    """Return each active ticker as a JSON object."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT to_json(item)::text
          FROM profiles AS profile
         CROSS JOIN LATERAL (SELECT profile.ticker, profile.name, profile.exchange, profile.industry) AS item
         WHERE profile.active
         ORDER BY profile.ticker
        """
    )
    return await cursor.fetchall()


async def select_profile(connection: AsyncConnection, ticker: str) -> str | None:
    """Return the profile of *ticker* as a JSON object, None when it is not known."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT to_json(item)::text
          FROM (SELECT profile.*, ticker.ended_on, ticker.renamed_to
                  FROM profiles AS profile
                  JOIN tickers AS ticker USING (ticker)
                 WHERE profile.ticker = %(ticker)s) AS item
        """,
        {"ticker": ticker},
    )
    return await cursor.fetchone()
