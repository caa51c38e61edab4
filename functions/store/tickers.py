"""Queries of the tracked tickers."""

from psycopg import AsyncConnection

from shared.connections.pipeline import PendingResult


async def select_tickers(connection: AsyncConnection) -> dict[str, bool]:
    """Return every known ticker and whether it is active."""
    return await (await send_select_tickers(connection)).result()


async def send_select_tickers(connection: AsyncConnection) -> PendingResult[dict[str, bool]]:
    """Send the query of `select_tickers`; the caller reads its rows later."""
    return PendingResult(await connection.execute("SELECT ticker, active FROM tickers"), dict)
