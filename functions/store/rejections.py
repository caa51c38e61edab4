"""Rejected bars: each with its reason and the text as it came."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.store.validation import RejectedBar


class Origin(NamedTuple):
    """The event and trace that a row comes from."""

    event_id: str
    trace_id: str | None


async def insert_rejections(
    connection: AsyncConnection,
    interval: str,
    source: str,
    fetched_at: datetime,
    rejected: Sequence[RejectedBar],
    origin: Origin,
) -> int:
    """Insert *rejected* and return how many of them are new: the same bar with the same reason is one row."""
    if not rejected:
        return 0
    ordered = sorted(rejected, key=lambda one: (one.ticker, one.start or fetched_at, one.rejection.reason))
    cursor = await connection.execute(
        """
        INSERT INTO rejected_bars (ticker, interval, start, reason, detail, bar, source, event_id, trace_id,
                                   received_at)
             SELECT ticker, %(interval)s, start, reason, detail, bar, %(source)s, %(event_id)s, %(trace_id)s,
                    %(fetched_at)s
               FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(reasons)s::text[], %(details)s::text[],
                           %(bars)s::jsonb[]) AS batch (ticker, start, reason, detail, bar)
        ON CONFLICT DO NOTHING
          RETURNING 1
        """,
        {
            "interval": interval,
            "source": source,
            "event_id": origin.event_id,
            "trace_id": origin.trace_id,
            "fetched_at": fetched_at,
            "tickers": [_clean(one.ticker) for one in ordered],
            "starts": [one.start for one in ordered],
            "reasons": [one.rejection.reason for one in ordered],
            "details": [_clean(one.rejection.detail) for one in ordered],
            "bars": [_as_json(one) for one in ordered],
        },
    )
    return len(await cursor.fetchall())


def _as_json(one: RejectedBar) -> str:
    """Return the bar's figures, and its text where that says more; Postgres holds no NUL."""
    bar = one.bar
    if isinstance(bar, str):
        return json.dumps({"text": _clean(bar)})
    figures = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume}
    written = {name: None if figure is None else str(figure) for name, figure in figures.items()}
    if text := getattr(bar, "text", None):
        written["text"] = _clean(text)
    return json.dumps(written)


def _clean(text: str) -> str:
    """Return *text* without NUL, which Postgres cannot hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
