"""Queries of GET /insights: hours with their insights, every figure compared with its bars as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.insights.reading.parameters import InsightsQuery


@dataclass(frozen=True, slots=True)
class HourRows:
    """Hours as JSON objects, one a line, comma between, newest first; *more* is true where there are others."""

    text: str
    count: int
    more: bool
    oldest: datetime | None
    newest_end: datetime | None
    sources: tuple[str, ...]


async def select_hours(connection: AsyncConnection, wanted: InsightsQuery, tickers: Sequence[str] | None) -> HourRows:
    """Return the newest revision of each hour that is *wanted*, with its insights about any of *tickers*, or all."""
    cursor = connection.cursor(row_factory=class_row(HourRows))
    await cursor.execute(
        """
        WITH hour AS MATERIALIZED (
             SELECT hour.*, row_number() OVER (ORDER BY hour.start DESC) AS place
               FROM insight_hours AS hour
              WHERE hour.start < coalesce(%(before)s::timestamptz, 'infinity')
                AND (%(date)s::date IS NULL OR hour.session = %(date)s)
                AND hour.revision = (SELECT max(other.revision)
                                       FROM insight_hours AS other
                                      WHERE other.start = hour.start)
                AND (num_nonnulls(%(tickers)s::text[], %(kind)s::text, %(significance)s::text) = 0
                     OR EXISTS (SELECT
                                  FROM insights AS insight
                                 WHERE insight.start = hour.start
                                   AND insight.revision = hour.revision
                                   AND (%(tickers)s::text[] IS NULL OR insight.tickers && %(tickers)s::text[])
                                   AND (%(kind)s::text IS NULL OR insight.kind = %(kind)s)
                                   AND (%(significance)s::numeric IS NULL
                                        OR insight.significance >= %(significance)s::numeric)))
              ORDER BY hour.start DESC
              LIMIT %(limit)s + 1
        )
        SELECT coalesce(string_agg(to_json(item)::text, E',\n' ORDER BY hour.place), '') AS text,
               count(*) AS count,
               (SELECT count(*) FROM hour) > %(limit)s AS more,
               min(hour.start) AS oldest,
               max(hour."end") AS newest_end,
               coalesce((SELECT array_agg(DISTINCT source) FROM hour, unnest(hour.sources) AS source
                          WHERE hour.place <= %(limit)s), '{}') AS sources
          FROM hour
         CROSS JOIN LATERAL (
               SELECT json_agg(to_json(insight_item) ORDER BY insight_item.place) AS insights,
                      bool_or(insight_item.superseded) AS superseded
                 FROM (SELECT insight.place, insight.insight, insight.sentiment, insight.tickers, insight.generator,
                              insight.template, insight.kind, insight.significance, figure.superseded, figure.facts
                         FROM insights AS insight
                        CROSS JOIN LATERAL (
                              SELECT bool_or(fact.superseded) AS superseded,
                                     json_agg(shown ORDER BY fact.number) AS facts
                                FROM insight_figures AS fact
                               CROSS JOIN LATERAL (
                                     SELECT fact.id, fact.metric, fact.ticker, fact.basis, fact.value, fact.unit,
                                            fact.text, fact.direction, fact."window", fact.industry, fact.left_out,
                                            fact.link, fact.superseded,
                                            json_build_object(
                                                'tickers', fact.tickers,
                                                'starts', (SELECT json_agg(rfc3339(start) ORDER BY start)
                                                             FROM unnest(fact.starts) AS start),
                                                'fields', fact.fields) AS bars) AS shown
                               WHERE fact.start = insight.start
                                 AND fact.revision = insight.revision
                                 AND fact.place = insight.place) AS figure
                        WHERE insight.start = hour.start
                          AND insight.revision = hour.revision
                          AND (%(tickers)s::text[] IS NULL OR insight.tickers && %(tickers)s::text[])
                          AND (%(kind)s::text IS NULL OR insight.kind = %(kind)s)
                          AND (%(significance)s::numeric IS NULL OR insight.significance >= %(significance)s::numeric)
                      ) AS insight_item) AS made
         CROSS JOIN LATERAL (
               SELECT rfc3339(hour.start) AS datetime, unix_seconds(hour.start) AS timestamp,
                      rfc3339(hour."end") AS "end", hour.session, hour.complete, hour.missing, hour.left_out,
                      hour.generator, hour.model, hour.revision, made.superseded,
                      CASE cardinality(hour.sources) WHEN 1 THEN hour.sources[1] ELSE 'mixed' END AS source,
                      rfc3339(hour.written_at) AS written_at, made.insights) AS item
         WHERE hour.place <= %(limit)s
        """,
        {
            "before": wanted.cursor,
            "date": wanted.date,
            "tickers": tickers and list(tickers),
            "limit": wanted.limit,
            "kind": wanted.kind,
            "significance": wanted.significance,
        },
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row
