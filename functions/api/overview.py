"""/overview: the market in columns for lists and sparklines: company, session so far, recent hourly closes."""

from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.absence import nothing_stored
from functions.api.market_state import MarketState
from shared.http.response_data import JsonRows, ResponseData, envelope, json_body, reason_until

_SESSIONS = 3


@dataclass(frozen=True, slots=True)
class OverviewRows(JsonRows):
    """Tickers, and the hours that their closes belong to."""

    hours: list[dict[str, object]]


async def respond_overview(connection: AsyncConnection, state: MarketState) -> ResponseData:
    """Return every active ticker that has a bar."""
    rows = await select_overview(connection)
    reason = None if rows.count else nothing_stored(state)
    body = json_body(envelope(rows, reason) | {"hours": rows.hours}, rows.text)
    return ResponseData(body, valid_until=reason_until(reason), next_update_at=state.next_update_at)


async def select_overview(connection: AsyncConnection) -> OverviewRows:
    """Return the overview; a close is null where the hour's bar is missing or on another scale."""
    cursor = connection.cursor(row_factory=class_row(OverviewRows))
    await cursor.execute(
        """
        WITH figures AS MATERIALIZED (
             SELECT *
               FROM mover_figures
              WHERE basis = 'previous_close'
        ), hours AS MATERIALIZED (
             SELECT hour.start, least(hour.start + interval '1 hour', session.closes) AS "end"
               FROM (SELECT opens, closes
                       FROM sessions
                      WHERE opens <= (SELECT max(start) FROM figures)
                      ORDER BY opens DESC
                      LIMIT %(sessions)s) AS session
              CROSS JOIN LATERAL generate_series(session.opens, session.closes - interval '1 second',
                                                 interval '1 hour') AS hour(start)
              WHERE hour.start <= (SELECT max(start) FROM figures)
        ), closes AS (
             SELECT figures.ticker, array_agg(bar.close ORDER BY hours.start) AS closes
               FROM figures
              CROSS JOIN hours
               LEFT JOIN left_out_tickers AS left_out
                      ON left_out.ticker = figures.ticker
               LEFT JOIN bars AS bar
                      ON bar.ticker = figures.ticker AND bar.interval = '1h' AND bar.start = hours.start
                     AND bar.start >= coalesce(left_out.starts_at, '-infinity')
              GROUP BY figures.ticker
        )
        SELECT coalesce(string_agg(to_json(item)::text, E',\n' ORDER BY item.ticker), '') AS text,
               count(*) AS count,
               max(figure."end") AS newest_end,
               coalesce(array_agg(DISTINCT figure.source), '{}') AS sources,
               (SELECT coalesce(json_agg(json_build_object('datetime', rfc3339(start), 'end', rfc3339("end"))
                                         ORDER BY start), '[]')
                  FROM hours) AS hours
          FROM figures AS figure
          JOIN profiles AS profile USING (ticker)
         CROSS JOIN LATERAL (
               SELECT figure.ticker, profile.exchange, profile.industry, profile.market_cap_millions,
                      figure.window_high AS session_high, figure.window_low AS session_low,
                      figure.window_volume AS session_volume, round(figure.volume_ratio, 4) AS volume_ratio,
                      coalesce((SELECT closes FROM closes WHERE closes.ticker = figure.ticker), '{}') AS closes
             ) AS item
        """,
        {"sessions": _SESSIONS},
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row
