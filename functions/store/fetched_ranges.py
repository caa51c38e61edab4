"""Fetched ranges: windows requested from a provider, the bars it lacks, and when to retry."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from functions.store.array_literals import array, instant, quote
from functions.store.bar_versions import SIMULATED
from functions.store.validation import ValidBar
from shared.calendar.trading import LENGTHS, TradingCalendar
from shared.connections.pipeline import PendingResult
from shared.events.types import BarsFetched, Series
from shared.runtime import clock


async def upsert_fetched_ranges(
    connection: AsyncConnection,
    fetched: BarsFetched,
    source: str,
    series: Sequence[Series],
    tickers: Collection[str],
    valid: Mapping[str, Mapping[datetime, ValidBar]],
    market: TradingCalendar,
    settles_after: timedelta,
    trace_id: str | None,
) -> PendingResult[bool] | None:
    """Record that *source* answered for those of *series* that are in *tickers*, and return whether that was news.

    Bars that had ended *settles_after* before are settled: one that the answer lacks is absent. It is asked for again
    after half a day, then after a week, then monthly. Simulated bars settle nothing, and neither does an answer with
    the wrong labels. An imported file has no window: another source may have what it lacks.
    """
    series = [one for one in series if one.ticker in tickers and one.start != one.end]
    if not series or fetched.interval not in LENGTHS:
        return None
    # Windows are of starts: the bar that started then had ended *settles_after* before the answer.
    settled_by = fetched.fetched_at - settles_after - LENGTHS[fetched.interval]
    if source == SIMULATED:
        settled_by = datetime.min.replace(tzinfo=UTC)
    lasts = [min(one.end, datetime.min.replace(tzinfo=UTC) if one.reason else settled_by) for one in series]
    absent = await _select_absent(connection, fetched.interval, series, lasts, valid, market)
    cursor = await connection.execute(
        """
        INSERT INTO asked_windows AS known (ticker, interval, settled, asked_at, trace_id, recheck_at, rechecks,
                                            configuration)
             SELECT ticker, %(interval)s,
                    coalesce(range_agg(tstzrange(first, last)) FILTER (WHERE first < last), '{}'),
                    %(fetched_at)s, %(trace_id)s,
                    CASE WHEN ticker = ANY (%(absent)s::text[]) THEN %(fetched_at)s + interval '12 hours' END, 0,
                    %(configuration)s
               FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
                    AS asked (ticker, first, last)
              GROUP BY ticker
              ORDER BY ticker
        ON CONFLICT (ticker, interval) DO UPDATE
                SET settled = known.settled + excluded.settled,
                    asked_at = CASE WHEN known.asked_at > %(now)s THEN excluded.asked_at
                                    ELSE greatest(known.asked_at, excluded.asked_at)
                               END,
                    trace_id = CASE WHEN excluded.asked_at > known.asked_at THEN excluded.trace_id
                                    ELSE known.trace_id
                               END,
                    failures = 0,
                    failure = NULL,
                    retry_at = NULL,
                    rechecks = CASE WHEN excluded.recheck_at IS NULL OR known.recheck_at IS NULL THEN 0
                                    WHEN known.recheck_at <= excluded.asked_at THEN known.rechecks + 1
                                    ELSE known.rechecks
                               END,
                    recheck_at = CASE WHEN known.recheck_at > excluded.asked_at THEN known.recheck_at
                                      WHEN excluded.recheck_at IS NULL OR known.recheck_at IS NULL
                                      THEN excluded.recheck_at
                                      WHEN known.rechecks = 0 THEN excluded.asked_at + interval '7 days'
                                      ELSE excluded.asked_at + interval '30 days'
                                 END,
                    configuration = coalesce(excluded.configuration, known.configuration)
              WHERE excluded.asked_at > known.asked_at
                 OR known.asked_at > %(now)s
                 OR NOT known.settled @> excluded.settled
          RETURNING 1
        """,
        {
            "interval": fetched.interval,
            "now": clock.now(),
            "fetched_at": fetched.fetched_at,
            "trace_id": trace_id,
            "absent": array(map(quote, sorted(absent))),
            "configuration": fetched.configuration,
            "tickers": array([quote(one.ticker) for one in series]),
            "firsts": array([instant(one.start) for one in series]),
            "lasts": array(map(instant, lasts)),
        },
    )
    return PendingResult(cursor, bool)


async def upsert_failures(
    connection: AsyncConnection, fetched: BarsFetched, tickers: Collection[str], trace_id: str | None
) -> int:
    """Record the tickers that no provider served, with a growing pause; return how many they are.

    The pause is ten minutes, an hour, six hours, then a day.
    """
    failed = {one.ticker: one.reason for one in fetched.failures if one.ticker in tickers}
    if not failed:
        return 0
    cursor = await connection.execute(
        """
        INSERT INTO asked_windows AS known (ticker, interval, asked_at, trace_id, failures, failure, retry_at)
             SELECT ticker, %(interval)s, %(fetched_at)s, %(trace_id)s, 1, failure,
                    %(fetched_at)s + interval '10 minutes'
               FROM unnest(%(tickers)s::text[], %(failures)s::text[]) AS failed (ticker, failure)
              ORDER BY ticker
        ON CONFLICT (ticker, interval) DO UPDATE
                SET failures = known.failures + 1,
                    failure = excluded.failure,
                    retry_at = %(fetched_at)s + CASE known.failures
                                                     WHEN 0 THEN interval '10 minutes'
                                                     WHEN 1 THEN interval '1 hour'
                                                     WHEN 2 THEN interval '6 hours'
                                                     ELSE interval '1 day'
                                                END
              WHERE known.retry_at IS NULL
                 OR known.retry_at <= %(fetched_at)s
          RETURNING 1
        """,
        {
            "interval": fetched.interval,
            "fetched_at": fetched.fetched_at,
            "trace_id": trace_id,
            "tickers": list(failed),
            "failures": [reason.replace("\0", "\N{REPLACEMENT CHARACTER}") for reason in failed.values()],
        },
    )
    return len(await cursor.fetchall())


async def _select_absent(
    connection: AsyncConnection,
    interval: str,
    series: Sequence[Series],
    lasts: Sequence[datetime],
    valid: Mapping[str, Mapping[datetime, ValidBar]],
    market: TradingCalendar,
) -> set[str]:
    """Return the tickers of *series* without a stored bar somewhere before *lasts* where the sessions call for one."""
    expected: dict[tuple[datetime, datetime], list[datetime]] = {}
    tickers: list[str] = []
    starts: list[datetime] = []
    for one, last in zip(series, lasts, strict=True):
        if one.start >= last:
            continue
        if (one.start, last) not in expected:
            expected[one.start, last] = market.starts(interval, one.start, last)
        missing = expected[one.start, last]
        if known := valid.get(one.ticker):
            missing = [start for start in missing if start not in known]
        tickers += [one.ticker] * len(missing)
        starts += missing
    if not starts:
        return set()
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT DISTINCT ticker
          FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[]) AS missing (ticker, start)
         WHERE NOT EXISTS (SELECT
                             FROM bars
                            WHERE bars.ticker = missing.ticker
                              AND bars.interval = %(interval)s
                              AND bars.start = missing.start)
        """,
        {"tickers": array(map(quote, tickers)), "starts": array(map(instant, starts)), "interval": interval},
        prepare=False,
    )
    return set(await cursor.fetchall())
