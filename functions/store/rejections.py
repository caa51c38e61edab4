"""Keep the bars that were not believed, so that anyone can see what a source said and why it does not count."""

import json
from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection

from functions.store.check import Bad, Bar, Good


async def insert_rejections(
    connection: AsyncConnection,
    bad: Sequence[Bad],
    *,
    interval: str,
    source: str,
    event_id: str,
    trace_id: str | None,
    fetched_at: datetime,
) -> int:
    """Keep *bad* and return how many of them are new: the same bar with the same fault is kept once."""
    ordered = sorted(bad, key=lambda one: (one.ticker, one.bar.start, one.fault.reason))
    cursor = await connection.execute(
        """
        INSERT INTO rejected_bars (ticker, interval, start, reason, detail, bar, source, event_id, trace_id,
                                   received_at)
             SELECT ticker, %(interval)s, start, reason, detail, bar, %(source)s, %(event_id)s, %(trace_id)s,
                    %(fetched_at)s
               FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(reasons)s::text[], %(details)s::text[],
                           %(bars)s::jsonb[]) AS told (ticker, start, reason, detail, bar)
        ON CONFLICT DO NOTHING
        """,
        {
            "interval": interval,
            "source": source,
            "event_id": event_id,
            "trace_id": trace_id,
            "fetched_at": fetched_at,
            "tickers": [one.ticker for one in ordered],
            "starts": [one.bar.start for one in ordered],
            "reasons": [one.fault.reason for one in ordered],
            "details": [one.fault.detail for one in ordered],
            "bars": [_as_json(one.bar) for one in ordered],
        },
    )
    return cursor.rowcount


def _as_json(bar: Bar | Good) -> str:
    figures = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume}
    return json.dumps({name: None if figure is None else str(figure) for name, figure in figures.items()})
