"""/splits: splits of shares with their states, and the adjustment of series for them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from shared.http.response_data import ResponseData, absence_reason, json_body, rfc3339
from shared.providers.adjustment import SPLIT_ADJUSTED

if TYPE_CHECKING:
    from functions.api.bars import JsonSeries
    from functions.api.market_state import MarketState

_MAX_ITEMS = 1000
_MICRODOLLAR = Decimal("0.000001")
_FIGURE = re.compile(r'"(open|high|low|close|volume)":([0-9.]+)')
_DISTANT_PAST = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Split:
    """A split: *new_shares* for *old_shares* from the bar that starts at *starts_at* on."""

    ticker: str
    date: str
    starts_at: datetime
    new_shares: Decimal
    old_shares: Decimal
    state: str
    found: str
    source: str
    detail: str
    found_at: datetime
    changed_at: datetime

    @property
    def ratio(self) -> str:
        """The ratio as `10:1`."""
        return f"{self.new_shares:f}:{self.old_shares:f}"

    def was_applied(self, known_at: datetime | None) -> bool:
        """Return whether the split had been applied to the bars before it by *known_at*, None for now."""
        return self.state == "applied" and (known_at is None or self.changed_at <= known_at)


class TradedScale(NamedTuple):
    """Bars of *ticker* that start in [first, end) were traded at *factor* times their stored prices."""

    ticker: str
    first: datetime
    end: datetime
    factor: Decimal


async def respond_splits(connection: AsyncConnection, state: "MarketState", ticker: str | None) -> ResponseData:
    """Return the splits of *ticker*, or of all tickers the newest thousand; Problem 404 for an unknown ticker."""
    if ticker:
        (ticker,) = state.resolve_tickers([ticker])
    items = [
        {
            "ticker": one.ticker,
            "date": one.date,
            "datetime": rfc3339(one.starts_at),
            "ratio": one.ratio,
            "new_shares": _number(one.new_shares),
            "old_shares": _number(one.old_shares),
            "state": one.state,
            "found": one.found,
            "source": one.source,
            "detail": one.detail,
            "found_at": rfc3339(one.found_at),
            "changed_at": rfc3339(one.changed_at),
        }
        for one in await select_splits(connection, ticker, limit=_MAX_ITEMS)
    ]
    reason = None if items else absence_reason("none-known", f"No split of {ticker or 'any ticker'} is known.")
    return ResponseData(json_body({"count": len(items), "stale": False, "reason": reason, "items": items}))


async def select_splits(
    connection: AsyncConnection,
    ticker: str | None = None,
    *,
    states: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Split]:
    """Return the splits, newest first: of *ticker* or of all, in *states* or in any, at most *limit* of them."""
    cursor = connection.cursor(row_factory=class_row(Split))
    await cursor.execute(
        """
        SELECT ticker, date::text, starts_at, trim_scale(new_shares) AS new_shares,
               trim_scale(old_shares) AS old_shares, state, found, source, detail, found_at, changed_at
          FROM splits
         WHERE (%(ticker)s::text IS NULL OR ticker = %(ticker)s)
           AND (%(states)s::text[] IS NULL OR state = ANY (%(states)s))
         ORDER BY date DESC, ticker
         LIMIT %(limit)s
        """,
        {"ticker": ticker, "states": states and list(states), "limit": limit},
    )
    return await cursor.fetchall()


async def select_left_out(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return the active tickers that no figure compares, with the reason."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        SELECT ticker, reason, detail, rfc3339(since) AS since
          FROM left_out_tickers
          JOIN tickers USING (ticker)
         WHERE active
         ORDER BY ticker
        """
    )
    return await cursor.fetchall()


async def select_seams(
    connection: AsyncConnection, ticker: str, first: datetime, last: datetime
) -> list[dict[str, str]]:
    """Return where the source changes among the hourly bars of *ticker* from *first* to *last*; at most a hundred."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        SELECT rfc3339(start) AS datetime, before, source AS after
          FROM (SELECT start, source, lag(source) OVER (ORDER BY start) AS before
                  FROM bars
                 WHERE ticker = %(ticker)s
                   AND interval = '1h'
                   AND start BETWEEN %(first)s AND %(last)s) AS bar
         WHERE before <> source
         ORDER BY start
         LIMIT 100
        """,
        {"ticker": ticker, "first": first, "last": last},
    )
    return await cursor.fetchall()


async def describe_series(
    connection: AsyncConnection, series: "JsonSeries", splits: Sequence[Split], known_at: datetime | None
) -> dict[str, object]:
    """Return how *series* is adjusted for *splits* of its ticker, and where its source changes."""
    has_seams = len(set(series.sources)) > 1 and known_at is None
    return {
        "ticker": series.ticker,
        "adjusted": adjustment(series.sources, splits, known_at),
        "splits": [{"date": one.date, "ratio": one.ratio} for one in splits if one.was_applied(known_at)],
        "seams": await select_seams(connection, series.ticker, series.oldest, series.newest_end) if has_seams else [],
    }


def _number(shares: Decimal) -> float:
    return int(shares) if shares == int(shares) else float(shares)


def scales(splits: Sequence[Split], known_at: datetime | None) -> list[TradedScale]:
    """Return the factors from stored prices to prices as traded; *splits* are newest first."""
    found: list[TradedScale] = []
    for ticker in {one.ticker for one in splits}:
        applied = [one for one in splits if one.ticker == ticker and one.was_applied(known_at)]
        factor = Decimal(1)
        for index, one in enumerate(applied):
            factor = factor * one.new_shares / one.old_shares
            first = applied[index + 1].starts_at if index + 1 < len(applied) else _DISTANT_PAST
            found.append(TradedScale(ticker, first, one.starts_at, factor))
    return found


def as_traded(rows: str, ticker: str, known: Sequence[TradedScale]) -> str:
    """Return *rows* of *ticker*, JSON objects one a line, with prices and volumes as they were traded."""
    own = [(one.first.timestamp(), one.end.timestamp(), one.factor) for one in known if one.ticker == ticker]

    def convert(row: str) -> str:
        start = int(row.partition('"timestamp":')[2].partition(",")[0])
        factor = next((factor for first, end, factor in own if first <= start < end), None)
        if factor is None:
            return row
        return _FIGURE.sub(lambda match: f'"{match[1]}":{_as_traded(match[1], Decimal(match[2]), factor)}', row)

    return "\n".join(map(convert, rows.split("\n"))) if own else rows


def _as_traded(name: str, figure: Decimal, factor: Decimal) -> str:
    if name == "volume":
        return f"{(figure / factor).quantize(Decimal(1), ROUND_HALF_UP):f}"
    return f"{(figure * factor).quantize(_MICRODOLLAR, ROUND_HALF_UP).normalize():f}"


def adjustment(sources: Iterable[str], splits: Sequence[Split], known_at: datetime | None) -> str:
    """Return how the stored bars of one ticker are adjusted: `splits`, `pending`, or `unknown` for raw prices."""
    if any(one.state == "pending" and (known_at is None or one.found_at <= known_at) for one in splits):
        return "pending"
    is_adjusted = SPLIT_ADJUSTED.issuperset(sources) or any(one.was_applied(known_at) for one in splits)
    return "splits" if is_adjusted else "unknown"
