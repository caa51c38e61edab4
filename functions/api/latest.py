"""/latest: each ticker's own newest bar, beside the close of the session before."""

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.market_state import MarketState
from shared.http.response_data import NO_ROWS, JsonRows, ResponseData, envelope, json_body


async def respond_latest(connection: AsyncConnection, state: MarketState) -> ResponseData:
    """Return the newest bars, by ticker."""
    rows = await select_latest(connection)
    return ResponseData(json_body(envelope(rows), rows.text), next_update_at=state.next_update_at)


async def select_latest(connection: AsyncConnection) -> JsonRows:
    """Return the newest hourly bar of each active ticker."""
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
        HAVING count(*) > 0
        """
    )
    return await cursor.fetchone() or NO_ROWS
