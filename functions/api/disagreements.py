"""/disagreements: figures of stored bars from which a second provider differs."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.parameters import Disagreements
from shared.http.response_data import JsonRows, ResponseData, absence_reason, envelope, json_body, rfc3339

_MAX_AGE = 60
_NOT_COMPARED = "No bar of the window has been compared: that takes two providers and a night, or `tick compare`."
_DEFINITION = (
    "Each night, and on demand, the bars of a session are requested from a second provider. A figure that differs from "
    "the stored one by more than the tolerance is listed until a later comparison finds both within it (resolved_at). "
    "The stored bar is not changed by this."
)


@dataclass(frozen=True, slots=True)
class ComparedRows(JsonRows):
    """Rows, when bars were compared last, and whether any bar of the window was."""

    compared_at: datetime | None
    compared: bool


async def respond_disagreements(
    connection: AsyncConnection, query: Disagreements, tickers: tuple[str, ...]
) -> ResponseData:
    """Return the newest disagreements; Problem 404 for an unknown ticker."""
    found = await select_disagreements(connection, query, tickers)
    reason = None
    if not found.count:
        code, text = ("none-found", "No figure differs.") if found.compared else ("not-compared", _NOT_COMPARED)
        reason = absence_reason(code, text)
    members = envelope(found, reason) | {
        "definition": _DEFINITION,
        "compared_at": found.compared_at and rfc3339(found.compared_at),
    }
    return ResponseData(json_body(members, found.text), max_age=_MAX_AGE)


async def select_disagreements(
    connection: AsyncConnection, query: Disagreements, tickers: tuple[str, ...]
) -> ComparedRows:
    """Return the disagreements about *tickers* in the window, newest bar first."""
    cursor = connection.cursor(row_factory=class_row(ComparedRows))
    await cursor.execute(
        """
        WITH item AS (
             SELECT ticker, rfc3339(start) AS datetime, field, source, value, other_source, other_value,
                    difference_percent, tolerance_percent, rfc3339(found_at) AS found_at,
                    rfc3339(compared_at) AS compared_at, rfc3339(resolved_at) AS resolved_at
               FROM disagreements
              WHERE interval = '1h'
                AND ticker = ANY (%(tickers)s)
                AND start >= coalesce(%(start)s, '-infinity'::timestamptz)
                AND start < coalesce(%(end)s, 'infinity'::timestamptz)
                AND (%(state)s = 'all' OR resolved_at IS NULL)
              ORDER BY start DESC, ticker, field, other_source
              LIMIT %(limit)s
        )
        SELECT coalesce(string_agg(to_json(item)::text, E',\n' ORDER BY datetime DESC, ticker, field, other_source), '')
                   AS text,
               count(*) AS count,
               NULL::timestamptz AS newest_end,
               coalesce(array_agg(DISTINCT source) FILTER (WHERE source IS NOT NULL), '{}') AS sources,
               (SELECT max(compared_at) FROM comparisons WHERE ticker = ANY (%(tickers)s)) AS compared_at,
               EXISTS (SELECT
                         FROM comparisons
                        WHERE ticker = ANY (%(tickers)s)
                          AND compared && tstzrange(%(start)s::timestamptz, %(end)s::timestamptz)) AS compared
          FROM item
        """,
        {
            "tickers": list(tickers),
            "start": query.start,
            "end": query.end,
            "state": query.state,
            "limit": query.limit,
        },
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row


async def count_disagreements(
    connection: AsyncConnection, first: datetime, end: datetime | None, tickers: tuple[str, ...]
) -> int:
    """Return from how many stored bars of *tickers* in [first, end) another source differs."""
    cursor = await connection.execute(
        """
        SELECT count(DISTINCT (ticker, start))
          FROM disagreements
         WHERE interval = '1h'
           AND ticker = ANY (%(tickers)s)
           AND start >= %(first)s
           AND start < coalesce(%(end)s, 'infinity'::timestamptz)
           AND resolved_at IS NULL
        """,
        {"first": first, "end": end, "tickers": list(tickers)},
    )
    row = await cursor.fetchone()
    return row[0] if row else 0
