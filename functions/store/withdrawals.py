"""Withdrawal of bars: those of a source leave the series, and stay in withdrawn_bars with every version."""

from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from functions.store.bar_versions import SourcePriority
from shared.http.problem import bad_parameters


class Withdrawal(NamedTuple):
    """Bars of *source* that start in [first, end); no tickers means all, None no bound."""

    source: str
    tickers: tuple[str, ...]
    first: datetime | None
    end: datetime | None
    reason: str


async def withdraw(
    connection: AsyncConnection, withdrawal: Withdrawal, now: datetime, priority: SourcePriority, *, preview: bool
) -> dict[str, Any]:
    """Withdraw the bars in the caller's transaction; where another source gave the bar, that version stands again.

    With *preview* only count them. Doing it twice finds nothing the second time.
    """
    if not withdrawal.reason or len(withdrawal.reason) > 500:
        raise bad_parameters([("reason", "should be the reason in 1 to 500 characters")])
    parameters = withdrawal._asdict() | {
        "tickers": list(withdrawal.tickers),
        "now": now,
        "providers": list(priority.providers),
    }
    bars = await _count(connection, parameters)
    if preview or not bars:
        return {
            "bars": bars,
            "replaced": 0,
            "changed": False,
            "detail": f"{bars} bars of {withdrawal.source} are stored.",
        }
    parameters["withdrawal"] = await _insert_withdrawal(connection, parameters)
    await _copy_versions(connection, parameters)
    await _delete_revisions(connection, parameters)
    replaced = await _restore_others(connection, parameters)
    await _delete_bars(connection, parameters)
    await _forget_windows(connection, parameters)
    detail = f"{bars} bars of {withdrawal.source} were withdrawn; {replaced} of them were replaced by another source's."
    return {"bars": bars, "replaced": replaced, "changed": True, "detail": detail}


async def _count(connection: AsyncConnection, parameters: dict[str, Any]) -> int:
    """Count the bars that stand as the source gave them, after locking them."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT count(*)
          FROM (SELECT
                  FROM bars
                 WHERE source = %(source)s
                   AND (cardinality(%(tickers)s::text[]) = 0 OR ticker = ANY (%(tickers)s))
                   AND start >= coalesce(%(first)s, '-infinity'::timestamptz)
                   AND start < coalesce(%(end)s, 'infinity'::timestamptz)
                 ORDER BY ticker, interval, start
                   FOR UPDATE) AS bar
        """,
        parameters,
    )
    return await cursor.fetchone() or 0


async def _insert_withdrawal(connection: AsyncConnection, parameters: dict[str, Any]) -> int:
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        INSERT INTO withdrawals (source, tickers, first, "end", reason, withdrawn_at)
             VALUES (%(source)s, %(tickers)s, %(first)s, %(end)s, %(reason)s, %(now)s)
          RETURNING id
        """,
        parameters,
    )
    return await cursor.fetchone() or 0


async def _copy_versions(connection: AsyncConnection, parameters: dict[str, Any]) -> None:
    await connection.execute(
        """
        INSERT INTO withdrawn_bars (withdrawal, ticker, interval, start, revision, open, high, low, close, volume,
                                    source, received_at, seen_at, served_at, withdrawn_at)
             SELECT %(withdrawal)s, ticker, interval, start, revision, open, high, low, close, volume, source,
                    received_at, seen_at, served_at, %(now)s
               FROM (SELECT ticker, interval, start, revision, open, high, low, close, volume, source, received_at,
                            seen_at, served_at
                       FROM bars
                      UNION ALL
                     SELECT ticker, interval, start, revision, open, high, low, close, volume, source, received_at,
                            seen_at, served_at
                       FROM bar_revisions) AS version
              WHERE source = %(source)s
                AND (cardinality(%(tickers)s::text[]) = 0 OR ticker = ANY (%(tickers)s))
                AND start >= coalesce(%(first)s, '-infinity'::timestamptz)
                AND start < coalesce(%(end)s, 'infinity'::timestamptz)
        """,
        parameters,
    )


async def _delete_revisions(connection: AsyncConnection, parameters: dict[str, Any]) -> None:
    await connection.execute(
        """
        DELETE FROM bar_revisions
              WHERE source = %(source)s
                AND (cardinality(%(tickers)s::text[]) = 0 OR ticker = ANY (%(tickers)s))
                AND start >= coalesce(%(first)s, '-infinity'::timestamptz)
                AND start < coalesce(%(end)s, 'infinity'::timestamptz)
        """,
        parameters,
    )


async def _restore_others(connection: AsyncConnection, parameters: dict[str, Any]) -> int:
    """Replace each withdrawn bar by the highest version of another source; return the number of replaced bars."""
    cursor = await connection.execute(
        """
        UPDATE bars
           SET open = other.open,
               high = other.high,
               low = other.low,
               close = other.close,
               volume = other.volume,
               source = other.source,
               revision = bars.revision + 1,
               received_at = other.received_at,
               seen_at = other.seen_at,
               served_at = greatest(%(now)s, bars.served_at)
          FROM (SELECT DISTINCT ON (past.ticker, past.interval, past.start) past.*
                  FROM bars AS bar
                  JOIN bar_revisions AS past USING (ticker, interval, start)
                 WHERE bar.source = %(source)s
                   AND (cardinality(%(tickers)s::text[]) = 0 OR bar.ticker = ANY (%(tickers)s))
                   AND bar.start >= coalesce(%(first)s, '-infinity'::timestamptz)
                   AND bar.start < coalesce(%(end)s, 'infinity'::timestamptz)
                 ORDER BY past.ticker, past.interval, past.start, past.source = 'simulated',
                          coalesce(array_position(%(providers)s::text[], past.source),
                                   array_position(%(providers)s, split_part(past.source, '-', 1))),
                          coalesce(past.seen_at, past.received_at) DESC, past.revision DESC) AS other
         WHERE bars.ticker = other.ticker
           AND bars.interval = other.interval
           AND bars.start = other.start
        """,
        parameters,
    )
    return cursor.rowcount


async def _delete_bars(connection: AsyncConnection, parameters: dict[str, Any]) -> None:
    await connection.execute(
        """
        DELETE FROM bars
              WHERE source = %(source)s
                AND (cardinality(%(tickers)s::text[]) = 0 OR ticker = ANY (%(tickers)s))
                AND start >= coalesce(%(first)s, '-infinity'::timestamptz)
                AND start < coalesce(%(end)s, 'infinity'::timestamptz)
        """,
        parameters,
    )


async def _forget_windows(connection: AsyncConnection, parameters: dict[str, Any]) -> None:
    """Make ingest request the withdrawn bars again."""
    await connection.execute(
        """
        UPDATE asked_windows
           SET settled = settled - tstzmultirange(tstzrange(%(first)s, %(end)s)),
               recheck_at = %(now)s
         WHERE ticker IN (SELECT ticker FROM withdrawn_bars WHERE withdrawal = %(withdrawal)s)
        """,
        parameters,
    )
