"""/movers: tickers that moved most, by a measure that the response defines."""

from dataclasses import dataclass, replace

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.absence import nothing_stored
from functions.api.formats import table_response
from functions.api.market_state import MarketState
from functions.api.parameters import Movers
from functions.api.tables import MOVERS
from shared.http.response_data import JsonRows, Reason, ResponseData, absence_reason, envelope

_KINDS = {
    "gainers": "Ranked by change_percent, falling; only tickers that rose.",
    "losers": "Ranked by change_percent, rising; only tickers that fell.",
    "active": "Ranked by window.volume, the shares traded in the window, falling.",
    "unusual_volume": (
        "Ranked by window.volume_ratio, falling, only above 1: window.volume against window.usual_volume, its average "
        "over the same hours of those of the 20 sessions before that are stored whole, at least five of them."
    ),
    "volatile": (
        "Ranked by window.range_percent, falling: the highest price less the lowest of the window, as a percentage of "
        "basis_price."
    ),
}
_BASES = {
    "previous_close": (
        "change is the close of the newest hourly bar less basis_price, the close of the last bar of the session "
        "before; the window is the session so far."
    ),
    "previous_bar": (
        "change is the close of the newest hourly bar less basis_price, the close of the bar just before it (of the "
        "session before, if it is the session's first); the window is the newest bar."
    ),
    "session_open": (
        "change is the close of the newest hourly bar less basis_price, the open of its session's first bar; the "
        "window is the session so far."
    ),
}
_ALWAYS = (
    "metric_deltas are current_metrics less the same figures of the bar at basis_datetime. Percentages and ratios are "
    "rounded to 4 decimals, after ranking. Tickers whose newest bar is older than the newest of all come last, with "
    "is_newest false. not_ranked lists those that lack a bar which the measure needs (bar-missing), or whose bars come "
    "from two sources with different prices (source-changed); left_out those whose bars are on two scales because of a "
    "split, until their history is fetched again."
)
_NONE = {
    "gainers": "none rose",
    "losers": "none fell",
    "active": "none was traded",
    "unusual_volume": "none was traded more than usual",
    "volatile": "none has a range",
}
_THRESHOLDS = {"unusual_volume": 1}


@dataclass(frozen=True, slots=True)
class MoverRows(JsonRows):
    """Ranked tickers, those that lack a figure, and how many have it."""

    not_ranked: list[dict[str, object]]
    measured: int


async def respond_movers(connection: AsyncConnection, state: MarketState, query: Movers) -> ResponseData:
    """Return the movers, ranked."""
    movers = await select_movers(connection, query)
    members = envelope(movers, None if movers.count else _reason(state, query, movers)) | {
        "left_out": state.left_out,
        "kind": query.kind,
        "basis": query.basis,
        "definition": f"{_KINDS[query.kind]} {_BASES[query.basis]} {_ALWAYS}",
        "not_ranked": movers.not_ranked,
    }
    data = await table_response(query.format, members, movers.text, MOVERS, f"movers-{query.kind}")
    return replace(data, next_update_at=state.next_update_at)


def _reason(state: MarketState, query: Movers, movers: MoverRows) -> Reason:
    if movers.newest_end is None:
        return nothing_stored(state)
    if not movers.measured:
        text = f"No ticker can be measured: {len(movers.not_ranked)} lack a bar that the measure needs"
        text += f", {len(state.left_out)} are left out until a split is applied." if state.left_out else "."
        return absence_reason("none-measured", text, state.next_update_at)
    text = f"Of {movers.measured} tickers that could be measured {_NONE[query.kind]}."
    return absence_reason("none-qualifies", text, state.next_update_at)


async def select_movers(connection: AsyncConnection, query: Movers) -> MoverRows:
    """Return up to *query.limit* movers; equal ones are ordered by ticker.

    Ranks first: the usual volumes, twenty look-ups a ticker, are read for the movers that are shown alone, unless they
    are the measure.
    """
    cursor = connection.cursor(row_factory=class_row(MoverRows))
    await cursor.execute(
        """
        WITH measured AS (
             SELECT ticker, start, "end", source, seam, start = max(start) OVER () AS is_newest,
                    CASE %(kind)s WHEN 'gainers' THEN change_percent
                                  WHEN 'losers' THEN -change_percent
                                  WHEN 'active' THEN window_volume
                                  WHEN 'unusual_volume' THEN volume_ratio
                                  WHEN 'volatile' THEN range_percent END AS measure
               FROM mover_figures
              WHERE basis = %(basis)s
                AND ticker NOT IN (SELECT ticker FROM left_out_tickers)
        ), ranked AS (
             SELECT ticker, is_newest, row_number() OVER (ORDER BY is_newest DESC, measure DESC, ticker) AS rank
               FROM measured
              WHERE measure > %(threshold)s
              ORDER BY rank
              LIMIT %(limit)s
        )
        SELECT coalesce(string_agg(to_json(item)::text, E',\n' ORDER BY item.rank), '') AS text,
               count(*) AS count,
               (SELECT max("end") FROM measured) AS newest_end,
               (SELECT coalesce(array_agg(DISTINCT source), '{}') FROM measured) AS sources,
               (SELECT count(*) FROM measured WHERE measure IS NOT NULL) AS measured,
               (SELECT coalesce(json_agg(json_build_object('ticker', ticker, 'datetime', rfc3339(start),
                                                           'is_newest', is_newest, 'reason',
                                                           CASE WHEN seam THEN 'source-changed'
                                                                ELSE 'bar-missing' END) ORDER BY ticker), '[]')
                  FROM measured
                 WHERE measure IS NULL) AS not_ranked
          FROM ranked
          JOIN mover_figures AS figure ON figure.ticker = ranked.ticker AND figure.basis = %(basis)s
          JOIN profiles AS profile ON profile.ticker = ranked.ticker
         CROSS JOIN LATERAL (SELECT rfc3339(figure.start) AS datetime, unix_seconds(figure.start) AS timestamp,
                                    rfc3339(figure."end") AS "end", figure.open, figure.high, figure.low, figure.close,
                                    figure.volume, figure.source) AS bar
         CROSS JOIN LATERAL (SELECT figure.open_delta AS open, figure.high_delta AS high, figure.low_delta AS low,
                                    figure.close_delta AS close, figure.volume_delta AS volume) AS delta
         CROSS JOIN LATERAL (SELECT rfc3339(figure.window_start) AS start, rfc3339(figure."end") AS "end",
                                    figure.window_bars AS bars, figure.window_bars_expected AS bars_expected,
                                    figure.window_high AS high, figure.window_low AS low,
                                    figure.window_volume AS volume,
                                    round(figure.range_percent, 4) AS range_percent,
                                    round(figure.usual_volume, 0) AS usual_volume, figure.usual_sessions,
                                    round(figure.volume_ratio, 4) AS volume_ratio) AS span
         CROSS JOIN LATERAL (SELECT ranked.rank, ranked.is_newest, to_json(profile) AS profile,
                                    to_json(bar) AS current_metrics, to_json(delta) AS metric_deltas,
                                    figure.close - figure.basis_price AS change,
                                    round(figure.change_percent, 4) AS change_percent, figure.basis,
                                    figure.basis_price, rfc3339(figure.basis_start) AS basis_datetime,
                                    rfc3339(figure.basis_at) AS basis_at, to_json(span) AS "window") AS item
        """,
        {
            "kind": query.kind,
            "basis": query.basis,
            "threshold": _THRESHOLDS.get(query.kind, 0),
            "limit": query.limit,
        },
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row
