"""Read which tickers are tracked."""

from psycopg import AsyncConnection


async def select_tickers(connection: AsyncConnection) -> dict[str, bool]:
    """Return every known ticker and whether it is active."""
    cursor = await connection.execute("SELECT ticker, active FROM tickers")
    return dict(await cursor.fetchall())
