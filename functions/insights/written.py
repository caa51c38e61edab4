"""The statements that keep what is told of an hour."""

from collections.abc import Mapping
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from functions.insights.digest import digest_of
from functions.insights.render import fill_names, render
from functions.insights.telling import Telling
from functions.insights.wording import take_apart
from shared.cache.market_version import bump_epoch
from shared.runtime import clock, log

_LOCK = 5_746_804  # any number that no other lock in this database has


async def lock_writing(connection: AsyncConnection) -> bool:
    """Take the one right to write insights, until `unlock_writing` or the end of *connection*; False if it is taken."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute("SELECT pg_try_advisory_lock(%(lock)s)", {"lock": _LOCK})
    return bool(await cursor.fetchone())


async def unlock_writing(connection: AsyncConnection) -> None:
    """Give the right back."""
    await connection.execute("SELECT pg_advisory_unlock(%(lock)s)", {"lock": _LOCK})


async def count_call(connection: AsyncConnection, start: datetime) -> int:
    """Count a call of the model for the hour at *start*, for good, and return how many that makes."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        INSERT INTO insight_model_calls AS known (start, calls)
             VALUES (%(start)s, 1)
        ON CONFLICT (start) DO UPDATE
                SET calls = known.calls + 1
          RETURNING calls
        """,
        {"start": start},
    )
    return int(await cursor.fetchone() or 0)


async def keep_telling(
    connection: AsyncConnection, telling: Telling, revision: int, names: Mapping[str, str]
) -> int | None:
    """Keep *telling* as *revision* of its hour and return the market epoch after it; None if that was there already."""
    async with connection.transaction():
        if not await insert_hour(connection, telling, revision):
            return None
        await insert_insights(connection, telling, revision, names)
        await insert_facts(connection, telling, revision)
        return await bump_epoch(connection)


async def insert_hour(connection: AsyncConnection, telling: Telling, revision: int) -> bool:
    """Insert the hour of *telling*; False when this revision of it exists."""
    hour = telling.hour
    cursor = await connection.execute(
        """
        INSERT INTO insight_hours (start, revision, "end", session, complete, missing, generator, model, verdicts,
                                   prompt_tokens, completion_tokens, sources, trace_id, written_at)
             VALUES (%(start)s, %(revision)s, %(end)s, %(session)s, %(complete)s, %(missing)s, %(generator)s, %(model)s,
                     %(verdicts)s, %(prompt)s, %(completion)s, %(sources)s, %(trace_id)s, %(now)s)
        ON CONFLICT DO NOTHING
        """,
        {
            "start": hour.start,
            "revision": revision,
            "end": hour.end,
            "session": hour.session.date,
            "complete": not hour.missing,
            "missing": list(hour.missing),
            "generator": telling.generator,
            "model": telling.model,
            "verdicts": Jsonb(list(telling.verdicts)),
            "prompt": telling.usage.prompt,
            "completion": telling.usage.completion,
            "sources": sorted(_sources(telling)),
            "trace_id": log.trace_id(),
            "now": clock.now(),
        },
    )
    return cursor.rowcount == 1


async def insert_insights(
    connection: AsyncConnection, telling: Telling, revision: int, names: Mapping[str, str]
) -> None:
    """Insert the sentences of *telling*."""
    await connection.cursor().executemany(
        """
        INSERT INTO insights (start, revision, place, template, insight, sentiment, tickers, generator)
             VALUES (%(start)s, %(revision)s, %(place)s, %(template)s, %(insight)s, %(sentiment)s, %(tickers)s,
                     %(generator)s)
        """,
        [
            {
                "start": telling.hour.start,
                "revision": revision,
                "place": place,
                "template": fill_names(insight.draft.template, telling.facts, names),
                "insight": render(insight.draft.template, telling.facts, names),
                "sentiment": insight.draft.sentiment,
                "tickers": sorted(insight.draft.tickers),
                "generator": insight.generator,
            }
            for place, insight in enumerate(telling.insights, 1)
        ],
    )


async def insert_facts(connection: AsyncConnection, telling: Telling, revision: int) -> None:
    """Insert the facts in the sentences of *telling*, each with what its bars say now."""
    await connection.cursor().executemany(
        """
        INSERT INTO insight_facts (start, revision, place, number, id, metric, ticker, basis, value, unit, text,
                                   direction, link, tickers, starts, fields, digest)
             VALUES (%(start)s, %(revision)s, %(place)s, %(number)s, %(id)s, %(metric)s, %(ticker)s, %(basis)s,
                     %(value)s, %(unit)s, %(text)s, %(direction)s, %(link)s, %(tickers)s, %(starts)s, %(fields)s,
                     %(digest)s)
        """,
        [
            {
                "start": telling.hour.start,
                "revision": revision,
                "place": place,
                "number": number,
                "id": fact.id,
                "metric": fact.metric,
                "ticker": fact.ticker,
                "basis": fact.basis,
                "value": fact.value,
                "unit": fact.unit,
                "text": fact.text,
                "direction": fact.direction,
                "link": fact.rests.link,
                "tickers": list(fact.rests.tickers),
                "starts": list(fact.rests.starts),
                "fields": list(fact.rests.fields),
                "digest": digest_of(telling.hour, fact.rests),
            }
            for place, insight in enumerate(telling.insights, 1)
            for number, fact in enumerate((telling.facts[name] for name in take_apart(insight.draft.template).facts), 1)
        ],
    )


def _sources(telling: Telling) -> set[str]:
    """Return where the bars behind the facts that are told come from."""
    bars = telling.hour.bars
    return {
        bars[ticker][start].source
        for insight in telling.insights
        for name in take_apart(insight.draft.template).facts
        for ticker in telling.facts[name].rests.tickers
        for start in telling.facts[name].rests.starts
    }
