"""Keep the bars that were not believed, so that anyone can see what a source said and why it does not count."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.store.validation import Bar, RejectedBar, ValidBar
from shared.events.types import BarsFetched


class Origin(NamedTuple):
    """Which event brought a row, for those who ask later why it is there."""

    event_id: str
    trace_id: str | None


async def insert_rejections(
    connection: AsyncConnection, fetched: BarsFetched, bad: Sequence[RejectedBar], origin: Origin
) -> int:
    """Keep *bad*, and return how many of them are new: the same bar with the same fault is kept once."""
    if not bad:
        return 0
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
            "interval": fetched.interval,
            "source": fetched.source,
            "event_id": origin.event_id,
            "trace_id": origin.trace_id,
            "fetched_at": fetched.fetched_at,
            "tickers": [one.ticker for one in ordered],
            "starts": [one.bar.start for one in ordered],
            "reasons": [one.fault.reason for one in ordered],
            "details": [one.fault.detail for one in ordered],
            "bars": [_as_json(one.bar) for one in ordered],
        },
    )
    return cursor.rowcount


def _as_json(bar: Bar | ValidBar) -> str:
    figures = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume}
    return json.dumps({name: None if figure is None else str(figure) for name, figure in figures.items()})
