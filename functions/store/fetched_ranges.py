"""Remember where a provider was asked, so that a bar it does not have is not asked for for ever."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection

from functions.store.bar_versions import SIMULATED
from shared.calendar.trading import LENGTHS
from shared.events.types import BarsFetched


async def upsert_fetched_ranges(
    connection: AsyncConnection,
    fetched: BarsFetched,
    tickers: Collection[str],
    settles_after: timedelta,
    trace_id: str | None,
) -> int:
    """Note that *fetched* answered for those of its series that are in *tickers*; return for how many that was news.

    Bars that had ended *settles_after* before are settled: one that the answer lacks does not exist. Invented bars
    settle nothing, they say nothing about what a provider has.
    """
    series = [one for one in fetched.series if one.ticker in tickers]
    if not series or fetched.interval not in LENGTHS:
        return 0
    # Windows are of starts: the bar that started then had ended *settles_after* before the answer.
    settled_by = fetched.fetched_at - settles_after - LENGTHS[fetched.interval]
    if fetched.source == SIMULATED:
        settled_by = datetime.min.replace(tzinfo=UTC)
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
            "interval": fetched.interval,
            "fetched_at": fetched.fetched_at,
            "trace_id": trace_id,
            "tickers": [one.ticker for one in series],
            "firsts": [one.start for one in series],
            "lasts": [min(one.end, settled_by) for one in series],
        },
    )
    return cursor.rowcount
