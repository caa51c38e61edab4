"""Remember where a provider was asked, so that a bar it does not have is not asked for for ever."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg import AsyncConnection

from shared.events import Series


async def upsert_windows(
    connection: AsyncConnection,
    series: Sequence[Series],
    *,
    interval: str,
    fetched_at: datetime,
    settles_after: timedelta | None,
    trace_id: str | None,
) -> int:
    """Note that *series* was answered at *fetched_at*, and return for how many tickers that was news.

    What lay *settles_after* back by then is settled: a bar that the answer lacks does not exist. None: nothing is.
    """
    settled_by = fetched_at if settles_after is None else fetched_at - settles_after
    cursor = await connection.execute(
        """
        INSERT INTO asked_windows AS known (ticker, interval, settled, asked_at, trace_id)
             SELECT ticker, %(interval)s,
                    coalesce(range_agg(tstzrange(first, last)) FILTER (WHERE first < last), '{}'),
                    %(fetched_at)s, %(trace_id)s
               FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
                    AS asked (ticker, first, last)
              GROUP BY ticker
              ORDER BY ticker
        ON CONFLICT (ticker, interval) DO UPDATE
                SET settled = known.settled + excluded.settled,
                    asked_at = greatest(known.asked_at, excluded.asked_at),
                    trace_id = CASE WHEN excluded.asked_at > known.asked_at THEN excluded.trace_id
                                    ELSE known.trace_id
                               END
              WHERE excluded.asked_at > known.asked_at
                 OR NOT known.settled @> excluded.settled
        """,
        {
            "interval": interval,
            "fetched_at": fetched_at,
            "trace_id": trace_id,
            "tickers": [one.ticker for one in series],
            "firsts": [one.start for one in series],
            "lasts": [one.start if settles_after is None else min(one.end, settled_by) for one in series],
        },
    )
    return cursor.rowcount
