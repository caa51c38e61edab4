"""/coverage: expected against stored bars by session and ticker, with a reason for each missing one."""

from dataclasses import dataclass, replace
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.api.absence import explain_sessions
from functions.api.disagreements import count_disagreements
from functions.api.formats import table_response
from functions.api.market_state import MarketState
from functions.api.parameters import MAX_SESSIONS, Coverage
from functions.api.rejection_reasons import reason
from functions.api.tables import COVERAGE
from shared.http.problem import bad_parameters
from shared.http.response_data import JsonRows, ResponseData, absence_reason, envelope

_DEFAULT_SESSIONS = 5
_MAX_CELLS = 5000
"""Sessions times tickers of an answer that lists what is missing."""

_TOTALS = absence_reason("totals-only", "detail=totals leaves out the sessions.")
_DEFINITION = (
    "A bar is expected once it has ended and the grace time is over. Of those that are not present, rejected means "
    "that a provider sent one that was not stored (reason says why); none_at_provider, that a provider was asked late "
    "enough and had none; not_fetched, that it has not been requested yet. Of a removed ticker none is expected after "
    "its last day (ended_on)."
)


@dataclass(frozen=True, slots=True)
class Missing(JsonRows):
    """Sessions of a window with their missing bars, and counts over all of them."""

    sessions: int
    totals: dict[str, int]
    tickers: list[dict[str, object]]
    reasons: tuple[str, ...]


async def respond_coverage(
    connection: AsyncConnection, state: MarketState, query: Coverage, tickers: tuple[str, ...]
) -> ResponseData:
    """Return how complete the hourly bars are, by session and by ticker.

    Problem 404 for an unknown ticker, 400 for a window that is too wide.
    """
    opens = await select_session_opens(connection, query, state.now)
    _check_size(query, len(opens), len(tickers))
    found = await select_coverage(connection, opens, tickers, state.now - state.grace, query.detail)
    absence = None
    if not found.count:
        absence = _TOTALS if opens else await explain_sessions(connection, state, query.start, query.end)
    members = envelope(found, absence) | {
        "interval": "1h",
        "sessions": found.sessions,
        "definition": _DEFINITION,
        "disagreements": await count_disagreements(connection, opens[-1], query.end, tickers) if opens else 0,
        "totals": found.totals,
        "reasons": {code: reason(code).text for code in found.reasons},
        "tickers": found.tickers,
    }
    opening = state.calendar.next_opening(state.now)
    data = await table_response(query.format, members, found.text, COVERAGE, "coverage")
    changes = (state.next_due, opening and opening.opens, data.valid_until)
    until = min((instant for instant in changes if instant), default=None)
    return replace(data, next_update_at=state.next_update_at, valid_until=until)


def _check_size(query: Coverage, sessions: int, tickers: int) -> None:
    if sessions > MAX_SESSIONS:
        raise bad_parameters([("start", f"should be later: a response covers at most {MAX_SESSIONS} sessions")])
    if query.detail == "sessions" and sessions * tickers > _MAX_CELLS:
        what = f"should be totals for {sessions} sessions of {tickers} tickers: up to {_MAX_CELLS} in all are listed"
        raise bad_parameters([("detail", what)])


async def select_session_opens(connection: AsyncConnection, query: Coverage, now: datetime) -> list[datetime]:
    """Return the openings of the sessions in the window so far, newest first; without a start the last five."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT opens
          FROM sessions
         WHERE opens <= %(now)s
           AND closes > coalesce(%(start)s, '-infinity'::timestamptz)
           AND opens < coalesce(%(end)s, 'infinity'::timestamptz)
         ORDER BY opens DESC
         LIMIT %(limit)s
        """,
        {
            "now": now,
            "start": query.start,
            "end": query.end,
            "limit": MAX_SESSIONS + 1 if query.start else _DEFAULT_SESSIONS,
        },
    )
    return await cursor.fetchall()


async def select_coverage(
    connection: AsyncConnection, opens: list[datetime], tickers: tuple[str, ...], finished: datetime, detail: str
) -> Missing:
    """Return the coverage of *tickers* in the sessions that opened at *opens*, of bars that ended by *finished*."""
    cursor = connection.cursor(row_factory=class_row(Missing))
    await cursor.execute(
        """
        WITH cell AS MATERIALIZED (
             SELECT *, CASE state WHEN 'rejected' THEN rejection_of(ticker, start, "end") END AS reason
               FROM coverage_of(%(opens)s, %(tickers)s, %(finished)s)
        ), session AS (
             SELECT date, opens, closes,
                    count(ticker) AS expected,
                    count(*) FILTER (WHERE state = 'present') AS present,
                    count(*) FILTER (WHERE state = 'none_at_provider') AS none_at_provider,
                    count(*) FILTER (WHERE state = 'not_fetched') AS not_fetched,
                    count(*) FILTER (WHERE state = 'rejected') AS rejected,
                    coalesce(json_agg(json_build_object('ticker', ticker, 'datetime', rfc3339(start), 'why', state,
                                                        'reason', reason)
                                      ORDER BY ticker, start) FILTER (WHERE state <> 'present'), '[]') AS missing
               FROM cell
              GROUP BY date, opens, closes
        ), by_ticker AS (
             SELECT ticker,
                    count(*) AS expected,
                    count(*) FILTER (WHERE state = 'present') AS present,
                    count(*) FILTER (WHERE state = 'none_at_provider') AS none_at_provider,
                    count(*) FILTER (WHERE state = 'not_fetched') AS not_fetched,
                    count(*) FILTER (WHERE state = 'rejected') AS rejected
               FROM cell
              WHERE ticker IS NOT NULL
              GROUP BY ticker
        )
        SELECT coalesce((SELECT string_agg(to_json(item)::text, E',\n' ORDER BY item.datetime)
                           FROM session,
                        LATERAL (SELECT session.date, rfc3339(opens) AS datetime, rfc3339(closes) AS "end",
                                        closes - opens < interval '6.5 hours' AS half_day, expected, present,
                                        none_at_provider, not_fetched, rejected, missing) AS item
                          WHERE %(detail)s = 'sessions'), '') AS text,
               (SELECT count(*) FROM session WHERE %(detail)s = 'sessions') AS count,
               (SELECT count(*) FROM session) AS sessions,
               (SELECT max("end") FROM cell WHERE state = 'present') AS newest_end,
               (SELECT coalesce(array_agg(DISTINCT source), '{}') FROM cell WHERE state = 'present') AS sources,
               (SELECT json_build_object('expected', coalesce(sum(expected), 0), 'present', coalesce(sum(present), 0),
                                         'none_at_provider', coalesce(sum(none_at_provider), 0),
                                         'not_fetched', coalesce(sum(not_fetched), 0),
                                         'rejected', coalesce(sum(rejected), 0))
                  FROM by_ticker) AS totals,
               (SELECT coalesce(json_agg(by_ticker ORDER BY by_ticker.ticker), '[]') FROM by_ticker) AS tickers,
               (SELECT coalesce(array_agg(DISTINCT reason) FILTER (WHERE reason IS NOT NULL), '{}')
                  FROM cell) AS reasons
        """,
        {"opens": opens, "tickers": list(tickers), "finished": finished, "detail": detail},
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row
