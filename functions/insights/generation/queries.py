"""Queries of generation: bars, companies, the hours that are due, and the stories published in a session."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from functions.insights.facts.hour import Bar, EarlierVersion, SplitRatio
from functions.insights.generation.editor import PublishedStories


class HourStatus(NamedTuple):
    """An hour: how many active tickers have its bar, of how many, and its newest revision, None without any.

    *superseded* is true where bars behind that revision have changed since.
    """

    start: datetime
    present: int
    active: int
    revision: int | None
    complete: bool
    superseded: bool


async def select_newest_start(connection: AsyncConnection) -> datetime | None:
    """Return the start of the newest hourly bar of any active ticker, None when there is none."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT max(newest.start)
          FROM tickers AS ticker
         CROSS JOIN LATERAL (SELECT start
                               FROM bars
                              WHERE bars.ticker = ticker.ticker
                                AND bars.interval = '1h'
                              ORDER BY start DESC
                              LIMIT 1) AS newest
         WHERE ticker.active
        """
    )
    return await cursor.fetchone()


async def select_hour_statuses(connection: AsyncConnection, starts: Sequence[datetime]) -> list[HourStatus]:
    """Return the hours at *starts*, newest first."""
    cursor = connection.cursor(row_factory=class_row(HourStatus))
    await cursor.execute(
        """
        SELECT wanted.start,
               held.present,
               held.active,
               newest.revision,
               coalesce(newest.complete, false) AS complete,
               EXISTS (SELECT
                         FROM insight_figures AS figure
                        WHERE figure.start = wanted.start
                          AND figure.revision = newest.revision
                          AND figure.superseded) AS superseded
          FROM unnest(%(starts)s::timestamptz[]) AS wanted (start)
         CROSS JOIN LATERAL (SELECT count(bar.start) AS present, count(*) AS active
                               FROM tickers AS ticker
                               LEFT JOIN LATERAL (SELECT start
                                                    FROM bars
                                                   WHERE bars.ticker = ticker.ticker
                                                     AND bars.interval = '1h'
                                                     AND bars.start = wanted.start) AS bar ON true
                              WHERE ticker.active) AS held
          LEFT JOIN LATERAL (SELECT revision, complete
                               FROM insight_hours AS hour
                              WHERE hour.start = wanted.start
                              ORDER BY revision DESC
                              LIMIT 1) AS newest ON true
         ORDER BY wanted.start DESC
        """,
        {"starts": list(starts)},
    )
    return await cursor.fetchall()


class TrackedCompany(NamedTuple):
    """An active ticker with its company's name and industry; *on_two_scales* while its history waits for a split."""

    ticker: str
    name: str
    industry: str | None
    on_two_scales: bool = False


async def select_companies(connection: AsyncConnection) -> list[TrackedCompany]:
    """Return the companies of the active tickers, in order."""
    cursor = connection.cursor(row_factory=class_row(TrackedCompany))
    await cursor.execute(
        """
        SELECT ticker, name, industry,
               ticker IN (SELECT left_out_tickers.ticker FROM left_out_tickers) AS on_two_scales
          FROM profiles
         WHERE active
         ORDER BY ticker
        """
    )
    return await cursor.fetchall()


async def select_bars(
    connection: AsyncConnection,
    tickers: Sequence[str],
    first: datetime,
    end: datetime,
    closings: Sequence[datetime] = (),
) -> dict[str, dict[datetime, Bar]]:
    """Return the hourly bars of *tickers* that start in [first, end) or at *closings*, by ticker and start."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """
        SELECT ticker, start, open, high, low, close, volume, source
          FROM bars
         WHERE ticker = ANY (%(tickers)s::text[])
           AND interval = '1h'
           AND start >= %(first)s
           AND start < %(end)s
         UNION ALL
        SELECT ticker, start, open, high, low, close, volume, source
          FROM bars
         WHERE ticker = ANY (%(tickers)s::text[])
           AND interval = '1h'
           AND start = ANY (%(closings)s::timestamptz[])
           AND start < %(first)s
        """,
        {"tickers": list(tickers), "first": first, "end": end, "closings": list(closings)},
    )
    found: dict[str, dict[datetime, Bar]] = {ticker: {} for ticker in tickers}
    async for ticker, *bar in cursor:
        found[ticker][bar[0]] = Bar(*bar)
    return found


async def select_revisions(
    connection: AsyncConnection, tickers: Sequence[str], first: datetime, end: datetime
) -> dict[str, dict[datetime, EarlierVersion]]:
    """Return the first versions of the hourly bars that start in [first, end) and were revised, by ticker and start."""
    cursor = await connection.execute(
        """
        SELECT DISTINCT ON (ticker, start)
               ticker, start, open, high, low, close, volume, source,
               coalesce(served_at, received_at)
          FROM bar_revisions
         WHERE ticker = ANY (%(tickers)s::text[])
           AND interval = '1h'
           AND start >= %(first)s
           AND start < %(end)s
           AND revision >= 0
           AND coalesce(served_at, received_at) < superseded_at
         ORDER BY ticker, start, revision
        """,
        {"tickers": list(tickers), "first": first, "end": end},
    )
    found: dict[str, dict[datetime, EarlierVersion]] = {}
    async for ticker, *bar, served_at in cursor:
        found.setdefault(ticker, {})[bar[0]] = EarlierVersion(Bar(*bar), served_at)
    return found


async def select_agreements(
    connection: AsyncConnection, tickers: Sequence[str]
) -> dict[str, frozenset[tuple[str, str]]]:
    """Return the pairs of sources whose prices can be compared, by ticker."""
    cursor = await connection.execute(
        """
        SELECT ticker, source, other
          FROM source_overlaps
         WHERE ticker = ANY (%(tickers)s::text[])
           AND is_comparable(ticker, source, other)
        """,
        {"tickers": list(tickers)},
    )
    found: dict[str, frozenset[tuple[str, str]]] = {}
    async for ticker, source, other in cursor:
        found[ticker] = found.get(ticker, frozenset()) | {(source, other)}
    return found


async def select_splits(connection: AsyncConnection, dates: Sequence[date]) -> dict[date, dict[str, SplitRatio]]:
    """Return the splits that took effect with the sessions of *dates* and were applied to all stored bars."""
    cursor = await connection.execute(
        """
        SELECT date, ticker, new_shares, old_shares
          FROM splits
         WHERE date = ANY (%(dates)s::date[])
           AND state = 'applied'
        """,
        {"dates": list(dates)},
    )
    found: dict[date, dict[str, SplitRatio]] = {}
    async for day, ticker, *shares in cursor:
        found.setdefault(day, {})[ticker] = SplitRatio(*shares)
    return found


async def select_published(connection: AsyncConnection, first: datetime, before: datetime) -> list[PublishedStories]:
    """Return the stories of the newest revisions of the hours in [first, before), oldest first."""
    cursor = await connection.execute(
        """
        SELECT hour.start, insight.story, insight.tickers,
               coalesce(array_agg(coalesce(fact.ticker, fact.industry)) FILTER (WHERE fact.id IS NOT NULL), '{}'),
               coalesce(array_agg(fact.metric) FILTER (WHERE fact.id IS NOT NULL), '{}'),
               coalesce(array_agg(fact.basis) FILTER (WHERE fact.id IS NOT NULL), '{}'),
               coalesce(array_agg(fact.value) FILTER (WHERE fact.id IS NOT NULL), '{}')
          FROM insight_hours AS hour
          JOIN insights AS insight USING (start, revision)
          LEFT JOIN insight_facts AS fact USING (start, revision, place)
         WHERE hour.start >= %(first)s
           AND hour.start < %(before)s
           AND hour.revision = (SELECT max(other.revision) FROM insight_hours AS other WHERE other.start = hour.start)
         GROUP BY hour.start, insight.place, insight.story, insight.tickers
         ORDER BY hour.start, insight.place
        """,
        {"first": first, "before": before},
    )
    rows = await cursor.fetchall()
    return [
        PublishedStories(
            start,
            [story for begun, story, *_ in rows if begun == start and story],
            frozenset(ticker for begun, _, tickers, *_ in rows if begun == start for ticker in tickers),
            {
                (owner, metric, basis): value
                for begun, _, _, *columns in rows
                if begun == start
                for owner, metric, basis, value in zip(*columns, strict=True)
            },
        )
        for start in dict.fromkeys(row[0] for row in rows)
    ]


async def select_hour_to_word(connection: AsyncConnection, end: datetime) -> tuple[datetime, int] | None:
    """Return start and newest revision of the hour that ends at *end*, None where rules did not write that revision."""
    cursor = await connection.execute(
        """
        SELECT start, revision, generator
          FROM insight_hours
         WHERE "end" = %(end)s
         ORDER BY revision DESC
         LIMIT 1
        """,
        {"end": end},
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row and row[2] == "rules" else None


async def select_model_chooses(connection: AsyncConnection, model: str | None) -> bool:
    """Return whether *model* (None: any) had only chosen sentences accepted when it was asked last."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT CASE WHEN verdicts -> 0 -> 'choice' = 'true' THEN accepted > 0 ELSE accepted = 0 AND repaired > 0 END
          FROM insight_model_runs
         WHERE outcome = 'answered'
           AND model = coalesce(%(model)s, model)
         ORDER BY asked_at DESC
         LIMIT 1
        """,
        {"model": model},
    )
    return bool(await cursor.fetchone())
