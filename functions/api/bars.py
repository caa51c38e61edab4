"""Queries of /ohlc: stored hourly bars, and longer ones derived from them by session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg import AsyncConnection
from psycopg.rows import class_row

_UNITS = {"1d": "day", "1w": "week", "1mo": "month"}


@dataclass(frozen=True, slots=True)
class BarRange:
    """Range of starts [first, end) of one ticker's bars; None is no bound."""

    ticker: str
    first: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class BarQuery:
    """Query of one page: up to *limit* bars of each span, counted from the newest or from the oldest.

    Rows come oldest first, or *newest_first*, as they were known at the instant *known_at*, None for now.
    """

    spans: Sequence[BarRange]
    limit: int
    from_newest: bool = False
    newest_first: bool = False
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JsonSeries:
    """Bars of one ticker as JSON objects, one a line, comma between; *more* is true when the span has others.

    *oldest* and *newest* are the starts of the outermost; *newest_end* is the end of the newest hourly bar in them.
    """

    ticker: str
    text: str
    count: int
    more: bool
    oldest: datetime
    newest: datetime
    newest_end: datetime
    sources: tuple[str, ...]


async def select_bars(connection: AsyncConnection, interval: str, page: BarQuery) -> list[JsonSeries]:
    """Return the bars of *interval* of *page*, by ticker."""
    if interval in _UNITS:
        return await select_derived_bars(connection, interval, page)
    return await select_hourly_bars(connection, page)


async def select_hourly_bars(connection: AsyncConnection, page: BarQuery) -> list[JsonSeries]:
    """Return the hourly bars of *page*, by ticker."""
    cursor = connection.cursor(row_factory=class_row(JsonSeries))
    await cursor.execute(
        """
        SELECT span.ticker,
               string_agg(to_json(item)::text, E',\n' ORDER BY item.timestamp * %(sign)s)
                   FILTER (WHERE bar.place <= %(limit)s) AS text,
               count(*) FILTER (WHERE bar.place <= %(limit)s) AS count,
               count(*) > %(limit)s AS more,
               min(bar.start) FILTER (WHERE bar.place <= %(limit)s) AS oldest,
               max(bar.start) FILTER (WHERE bar.place <= %(limit)s) AS newest,
               max(hour."end") FILTER (WHERE bar.place <= %(limit)s) AS newest_end,
               array_agg(DISTINCT bar.source) FILTER (WHERE bar.place <= %(limit)s) AS sources
          FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(ends)s::timestamptz[])
                   AS span(ticker, first, "end")
         CROSS JOIN LATERAL hourly_bars_of(span.ticker, span.first, span."end", %(from_newest)s, %(limit)s + 1,
                                           %(known_at)s)
                    WITH ORDINALITY AS bar(start, open, high, low, close, volume, source, revision, place)
          LEFT JOIN LATERAL (SELECT closes
                               FROM sessions
                              WHERE opens <= bar.start
                              ORDER BY opens DESC
                              LIMIT 1) AS session ON true
         CROSS JOIN LATERAL (SELECT least(bar.start + interval '1 hour', session.closes) AS "end") AS hour
         CROSS JOIN LATERAL (SELECT span.ticker, '1h' AS interval, rfc3339(bar.start) AS datetime,
                                    unix_seconds(bar.start) AS timestamp, rfc3339(hour."end") AS "end",
                                    bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source,
                                    bar.revision) AS item
         WHERE bar.start >= coalesce(span.first, '-infinity')
           AND bar.start < coalesce(span."end", 'infinity')
         GROUP BY span.ticker
         ORDER BY span.ticker
        """,
        _parameters(page),
    )
    return await cursor.fetchall()


async def select_derived_bars(connection: AsyncConnection, interval: str, page: BarQuery) -> list[JsonSeries]:
    """Return the bars of the *interval* 1d, 1w or 1mo of *page*, by ticker."""
    cursor = connection.cursor(row_factory=class_row(JsonSeries))
    await cursor.execute(
        """
        SELECT span.ticker,
               string_agg(to_json(item)::text, E',\n' ORDER BY item.timestamp * %(sign)s)
                   FILTER (WHERE bar.place <= %(limit)s) AS text,
               count(*) FILTER (WHERE bar.place <= %(limit)s) AS count,
               count(*) > %(limit)s AS more,
               min(bar.opens) FILTER (WHERE bar.place <= %(limit)s) AS oldest,
               max(bar.opens) FILTER (WHERE bar.place <= %(limit)s) AS newest,
               max(hour."end") FILTER (WHERE bar.place <= %(limit)s) AS newest_end,
               string_to_array(string_agg(bar.sources, ',') FILTER (WHERE bar.place <= %(limit)s), ',') AS sources
          FROM unnest(%(tickers)s::text[], %(firsts)s::timestamptz[], %(ends)s::timestamptz[])
                   AS span(ticker, first, "end")
         CROSS JOIN LATERAL derived_bars(span.ticker, %(unit)s, span.first, span."end", %(from_newest)s, %(limit)s + 1,
                                         %(known_at)s)
                    WITH ORDINALITY AS bar(date, opens, closes, sessions, bars_expected, bars, open, high, low, close,
                                           volume, sources, newest, place)
          LEFT JOIN LATERAL (SELECT closes
                               FROM sessions
                              WHERE opens <= bar.newest
                              ORDER BY opens DESC
                              LIMIT 1) AS session ON true
         CROSS JOIN LATERAL (SELECT least(bar.newest + interval '1 hour', session.closes) AS "end") AS hour
         CROSS JOIN LATERAL (SELECT span.ticker, %(interval)s AS interval, bar.date, rfc3339(bar.opens) AS datetime,
                                    unix_seconds(bar.opens) AS timestamp, rfc3339(bar.closes) AS "end",
                                    bar.open, bar.high, bar.low, bar.close, bar.volume,
                                    CASE WHEN bar.sources LIKE '%%,%%' THEN 'mixed' ELSE bar.sources END AS source,
                                    bar.sessions, bar.bars, bar.bars_expected,
                                    bar.bars = bar.bars_expected AS complete) AS item
         GROUP BY span.ticker
         ORDER BY span.ticker
        """,
        _parameters(page) | {"interval": interval, "unit": _UNITS[interval]},
    )
    return await cursor.fetchall()


async def select_traded_values(
    connection: AsyncConnection, ticker: str, periods: Sequence[tuple[datetime, datetime]], known_at: datetime | None
) -> dict[datetime, Decimal]:
    """Return by its start the price of each period, weighted by volume; none for one without volumes of all its hours.

    Hourly bars count with the mean of their high, low and close.
    """
    cursor = await connection.execute(
        """
        SELECT period.opens, sum((bar.high + bar.low + bar.close) * bar.volume) / (3 * sum(bar.volume))
          FROM unnest(%(opens)s::timestamptz[], %(closes)s::timestamptz[]) AS period(opens, closes)
         CROSS JOIN LATERAL (SELECT high, low, close, volume
                               FROM bars_known_at(%(known_at)s)
                              WHERE ticker = %(ticker)s
                                AND interval = '1h'
                                AND start >= period.opens
                                AND start < period.closes) AS bar
         GROUP BY period.opens
        HAVING count(*) = count(bar.volume)
           AND sum(bar.volume) > 0
        """,
        {
            "ticker": ticker,
            "opens": [opens for opens, _ in periods],
            "closes": [closes for _, closes in periods],
            "known_at": known_at,
        },
    )
    return dict(await cursor.fetchall())


def _parameters(page: BarQuery) -> dict[str, object]:
    return {
        "tickers": [span.ticker for span in page.spans],
        "firsts": [span.first for span in page.spans],
        "ends": [span.end for span in page.spans],
        "limit": page.limit,
        "sign": -1 if page.newest_first else 1,
        "from_newest": page.from_newest,
        "known_at": page.known_at,
    }
