"""A split that an operator states or refutes: the stored bars before it are converted, or converted back."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.store.bar_versions import SourcePriority
from functions.store.splits.fit import Divisor
from functions.store.splits.queries import Split, lock_splits, select_splits, upsert_split
from functions.store.splits.ratios import Ratio, distance
from functions.store.splits.stored_scale import restore_stored, scale_stored
from shared.http.problem import bad_parameters
from shared.providers.adjustment import SPLIT_ADJUSTED


class _Neighbours(NamedTuple):
    """The real hourly bars on both sides of an instant."""

    oldest: datetime | None
    close: Decimal | None
    open: Decimal | None
    sources: list[str]
    """Of the bars before it."""


async def state_split(
    connection: AsyncConnection, ticker: str, day: date, ratio: Ratio, now: datetime, priority: SourcePriority
) -> dict[str, Any]:
    """Record a split and convert the bars before it, unless they are on the new scale already."""
    await lock_splits(connection)
    starts_at = await _opening(connection, ticker, day, now)
    known = await _find(connection, ticker, day)
    if known and known.state == "applied":
        if known.ratio.factor != ratio.factor:
            what = f"should be {known.ratio}, which is recorded; state none first to revoke it"
            raise bad_parameters([("ratio", what)])
        return _result(known, 0, "The split is recorded already; nothing was changed.", changed=False)
    bars = await _select_neighbours(connection, ticker, starts_at)
    raw = bars.close is None or bars.open is None or _is_nearer(bars.close / bars.open, ratio.factor)
    raw_sources = tuple(sorted(source for source in bars.sources if source not in SPLIT_ADJUSTED)) or ("replay",)
    split = Split(
        ticker, day, starts_at, ratio.new, ratio.old, "applied", "stated", "operator", "Stated by an operator.",
        raw_sources if raw else (), bars.oldest or starts_at, now, now,
    )  # fmt: skip
    await upsert_split(connection, split)
    if not raw:
        text = f"The bars before {day} are on the new scale already ({bars.close}, then {bars.open}); none was changed."
        return _result(split, 0, text)
    converted = 0
    if bars.oldest:
        converted = len(await scale_stored(connection, ticker, [Divisor(starts_at, ratio.factor)], now, priority))
    text = f"{converted} bars before {day} were converted; as_of still reads the old prices."
    return _result(split, converted, text if converted else f"No bar before {day} is stored; the split is recorded.")


async def refute_split(connection: AsyncConnection, ticker: str, day: date, now: datetime) -> dict[str, Any]:
    """Record that a split never was, and convert bars back that were converted for it."""
    await lock_splits(connection)
    known = await _find(connection, ticker, day)
    if known is None:
        raise bad_parameters([("date", f"should be that of a recorded split: {ticker} has none on {day}")])
    if known.state == "refuted":
        return _result(known, 0, "The split is refuted already; nothing was changed.", changed=False)
    if known.state == "applied" and known.found == "overlap":
        what = f"should be {known.ratio}: {known.source} gives all bars on the new scale itself"
        raise bad_parameters([("ratio", what)])
    refuted = known._replace(state="refuted", detail=f"{known.detail} Refuted by an operator.", changed_at=now)
    converted = 0
    if known.state == "applied" and known.raw_sources:
        divisor = Divisor(known.starts_at, known.ratio.factor)
        converted = len(await restore_stored(connection, ticker, divisor, now))
    await upsert_split(connection, refuted._replace(raw_sources=()))
    return _result(
        refuted, converted, f"The split of {day} is refuted; {converted} bars before it were converted back."
    )


def _result(split: Split, bars: int, text: str, *, changed: bool = True) -> dict[str, Any]:
    return {
        "ticker": split.ticker,
        "date": split.date.isoformat(),
        "ratio": str(split.ratio),
        "state": split.state,
        "bars": bars,
        "detail": text,
        "changed": changed,
    }


def _is_nearer(change: Decimal, factor: Decimal) -> bool:
    """Return whether *change* is nearer to *factor* than to 1."""
    return distance(change, factor) < distance(change, Decimal(1))


async def _find(connection: AsyncConnection, ticker: str, day: date) -> Split | None:
    splits = (await select_splits(connection, [ticker])).get(ticker, [])
    return next((one for one in splits if one.date == day), None)


async def _opening(connection: AsyncConnection, ticker: str, day: date, now: datetime) -> datetime:
    """Return when the session of *day* opened; Problem 400 when it did not, or *ticker* is not tracked."""
    cursor = await connection.execute(
        """
        SELECT (SELECT opens FROM sessions WHERE date = %(day)s),
               EXISTS (SELECT FROM tickers WHERE ticker = %(ticker)s)
        """,
        {"day": day, "ticker": ticker},
    )
    opens, tracked = await cursor.fetchone() or (None, False)
    if not tracked:
        raise bad_parameters([("ticker", f"should be a tracked ticker; {ticker} is not tracked")])
    if opens is None:
        raise bad_parameters([("date", f"should be a trading day: the exchange is closed on {day}")])
    if opens > now:
        raise bad_parameters(
            [("date", "should be of a session that has opened: until then all bars are on the old scale")]
        )
    return opens


async def _select_neighbours(connection: AsyncConnection, ticker: str, starts_at: datetime) -> _Neighbours:
    cursor = connection.cursor(row_factory=class_row(_Neighbours))
    await cursor.execute(
        """
        WITH bar AS (
             SELECT start, open, close, source
               FROM bars
              WHERE ticker = %(ticker)s
                AND interval = '1h'
                AND source <> 'simulated'
        )
        SELECT (SELECT min(start) FROM bar WHERE start < %(starts_at)s) AS oldest,
               (SELECT close FROM bar WHERE start < %(starts_at)s ORDER BY start DESC LIMIT 1) AS close,
               (SELECT open FROM bar WHERE start >= %(starts_at)s ORDER BY start LIMIT 1) AS open,
               (SELECT coalesce(array_agg(DISTINCT source), '{}') FROM bar WHERE start < %(starts_at)s) AS sources
        """,
        {"ticker": ticker, "starts_at": starts_at},
    )
    row = await cursor.fetchone()
    assert row is not None, "a row without a table"  # noqa: S101
    return row
