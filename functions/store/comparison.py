"""Compare stored bars with another provider's, and store the differences that exceed the tolerance."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.store.rejections import Origin, insert_rejections
from functions.store.tickers import select_tickers
from functions.store.validation import BarBatch, validate_bars
from shared.cache.market_version import raise_market_version
from shared.calendar.trading import select_calendar
from shared.events.types import ComparisonFetched, Series

_AROUND = timedelta(days=1)
_PRICES = ("open", "high", "low", "close")


class Tolerances(NamedTuple):
    """Differences, in percent of the stored figure, up to which two sources agree."""

    price: Decimal
    volume: Decimal


async def store_comparison(
    connection: AsyncConnection, fetched: ComparisonFetched, origin: Origin, tolerances: Tolerances
) -> int | None:
    """Compare *fetched* with the stored bars in one transaction; return the new market version, None for no change.

    Idempotent by the primary keys of disagreements and comparisons; an older comparison changes nothing.
    """
    at = fetched.fetched_at.astimezone(UTC)
    async with connection.transaction():
        tickers = await select_tickers(connection)
        changed = 0
        for source in dict.fromkeys(series.source or fetched.source for series in fetched.series):
            series = [
                one for one in fetched.series if (one.source or fetched.source) == source and one.ticker in tickers
            ]
            if not series:
                continue
            first, end = min(one.start for one in series), max(one.end for one in series)
            market = await select_calendar(connection, first - _AROUND, end + _AROUND)
            bars = [(one.ticker, bar.start.astimezone(UTC), bar) for one in series for bar in one.bars]
            valid, rejected = validate_bars(
                bars, interval=fetched.interval, fetched_at=at, market=market, tickers=tickers
            )
            changed += await insert_rejections(connection, fetched.interval, source, at, rejected, origin)
            changed += await _upsert_disagreements(connection, fetched.interval, source, at, valid, tolerances, origin)
            changed += await _upsert_comparisons(connection, fetched.interval, source, at, series)
        return await raise_market_version(connection) if changed else None


async def _upsert_disagreements(
    connection: AsyncConnection,
    interval: str,
    source: str,
    at: datetime,
    bars: BarBatch,
    tolerances: Tolerances,
    origin: Origin,
) -> int:
    """Record the figures of *bars* that differ from the stored ones, and resolve those that agree now."""
    # The volume of one exchange cannot be compared with that of all exchanges.
    fields = _PRICES if source.endswith("-iex") else (*_PRICES, "volume")
    figures = [
        (ticker, start, field, value, tolerances.volume if field == "volume" else tolerances.price)
        for ticker, some in bars.items()
        for start, bar in some.items()
        for field in fields
        if (value := getattr(bar, field)) is not None
    ]
    if not figures:
        return 0
    columns = list(zip(*figures, strict=True))
    cursor = await connection.execute(
        """
        WITH compared AS (
             SELECT other.ticker, other.start, other.field, bars.source, other.value AS other_value, other.tolerance,
                    CASE other.field WHEN 'open' THEN bars.open
                                     WHEN 'high' THEN bars.high
                                     WHEN 'low' THEN bars.low
                                     WHEN 'close' THEN bars.close
                                     ELSE bars.volume END AS value
               FROM unnest(%(tickers)s::text[], %(starts)s::timestamptz[], %(fields)s::text[], %(values)s::numeric[],
                           %(tolerances)s::numeric[]) AS other (ticker, start, field, value, tolerance)
               JOIN bars ON bars.ticker = other.ticker
                        AND bars.interval = %(interval)s
                        AND bars.start = other.start
              WHERE bars.source NOT IN (%(source)s, 'simulated')
        ), resolved AS (
            UPDATE disagreements AS known
               SET resolved_at = %(at)s, compared_at = %(at)s
              FROM compared
             WHERE known.ticker = compared.ticker
               AND known.interval = %(interval)s
               AND known.start = compared.start
               AND known.field = compared.field
               AND known.other_source = %(source)s
               AND known.resolved_at IS NULL
               AND known.compared_at < %(at)s
               AND abs(compared.other_value - compared.value) * 100 <= compared.tolerance * abs(compared.value)
            RETURNING 1
        ), found AS (
            INSERT INTO disagreements AS known (ticker, interval, start, field, source, other_source, value,
                                                other_value, tolerance_percent, found_at, compared_at, trace_id)
            SELECT ticker, %(interval)s, start, field, source, %(source)s, value, other_value, tolerance, %(at)s,
                   %(at)s, %(trace_id)s
              FROM compared
             WHERE value IS NOT NULL
               AND abs(other_value - value) * 100 > tolerance * abs(value)
             ORDER BY ticker, start, field
            ON CONFLICT (ticker, interval, start, field, other_source) DO UPDATE
                    SET source = excluded.source,
                        value = excluded.value,
                        other_value = excluded.other_value,
                        tolerance_percent = excluded.tolerance_percent,
                        compared_at = excluded.compared_at,
                        trace_id = excluded.trace_id,
                        resolved_at = NULL
                  WHERE known.compared_at < excluded.compared_at
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM resolved) + (SELECT count(*) FROM found)
        """,
        {
            "tickers": list(columns[0]),
            "starts": list(columns[1]),
            "fields": list(columns[2]),
            "values": list(columns[3]),
            "tolerances": list(columns[4]),
            "interval": interval,
            "source": source,
            "at": at,
            "trace_id": origin.trace_id,
        },
    )
    row = await cursor.fetchone()
    return row[0] if row else 0


async def _upsert_comparisons(
    connection: AsyncConnection, interval: str, source: str, at: datetime, series: Sequence[Series]
) -> int:
    """Record where the stored bars were compared."""
    cursor = await connection.execute(
        """
        INSERT INTO comparisons AS known (ticker, interval, other_source, compared, compared_at)
             SELECT ticker, %(interval)s, %(source)s, range_agg(tstzrange(first, last)), %(at)s
               FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
                    AS part (ticker, first, last)
              WHERE first < last
              GROUP BY ticker
              ORDER BY ticker
        ON CONFLICT (ticker, interval, other_source) DO UPDATE
                SET compared = known.compared + excluded.compared,
                    compared_at = greatest(known.compared_at, excluded.compared_at)
              WHERE known.compared_at < excluded.compared_at
                 OR NOT known.compared @> excluded.compared
        """,
        {
            "interval": interval,
            "source": source,
            "at": at,
            "tickers": [one.ticker for one in series],
            "firsts": [one.start for one in series],
            "lasts": [one.end for one in series],
        },
    )
    return cursor.rowcount
