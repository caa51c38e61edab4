"""Statements that store insights, and count calls of the model with their results."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, Error
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from functions.insights.facts.fact import bar_checksum
from functions.insights.generation.result import HourInsights, ModelRun
from functions.insights.text.template import fill_names, render
from shared.cache.market_version import raise_market_version
from shared.runtime import clock, log

_logger = logging.getLogger(__name__)
_LOCK = 5_746_804  # any number that no other lock in this database has


async def lock_writing(connection: AsyncConnection) -> bool:
    """Lock the writing of insights until the transaction ends; False if another process holds the lock."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute("SELECT pg_try_advisory_xact_lock(%(lock)s)", {"lock": _LOCK})
    return bool(await cursor.fetchone())


async def upsert_claim(connection: AsyncConnection, start: datetime, seconds: float, calls: int) -> bool:
    """Claim the hour at *start* for asking the model; False while another holds it, or when *calls* were made."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        INSERT INTO insight_model_calls AS known (start, calls, claimed_until)
             VALUES (%(start)s, 0, clock_timestamp() + make_interval(secs => %(seconds)s))
        ON CONFLICT (start) DO UPDATE
                SET claimed_until = excluded.claimed_until
              WHERE (known.claimed_until IS NULL OR known.claimed_until < clock_timestamp())
                AND known.calls < %(calls)s
          RETURNING true
        """,
        {"start": start, "seconds": seconds, "calls": calls},
    )
    return bool(await cursor.fetchone())


async def release_claim(connection: AsyncConnection, start: datetime) -> None:
    """Release the claim on the hour at *start*."""
    await connection.execute(
        "UPDATE insight_model_calls SET claimed_until = NULL WHERE start = %(start)s", {"start": start}
    )


async def count_call(connection: AsyncConnection, start: datetime) -> int:
    """Count a call of the model for the hour at *start*, for good, and return how many that makes."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        "UPDATE insight_model_calls SET calls = calls + 1 WHERE start = %(start)s RETURNING calls", {"start": start}
    )
    return int(await cursor.fetchone() or 0)


async def insert_run(connection: AsyncConnection, start: datetime, run: ModelRun) -> None:
    """Insert the result of a run of the model; a failure is logged only."""
    try:
        await connection.execute(
            """
            INSERT INTO insight_model_runs (start, asked_at, model, outcome, advice, proposed, accepted, repaired,
                                            fallen_back, reasons, verdicts, prompt_tokens, completion_tokens, seconds)
                 VALUES (%(start)s, %(now)s, %(model)s, %(outcome)s, %(advice)s, %(proposed)s, %(accepted)s,
                         %(repaired)s, %(fallen_back)s, %(reasons)s, %(verdicts)s, %(prompt)s, %(completion)s,
                         %(seconds)s)
            ON CONFLICT DO NOTHING
            """,
            {
                "start": start,
                "now": clock.now(),
                "model": _clean(run.model),
                "outcome": run.outcome,
                "advice": run.advice,
                "proposed": run.proposed,
                "accepted": run.accepted,
                "repaired": run.repaired,
                "fallen_back": run.fallen_back,
                "reasons": Jsonb(dict(run.reasons)),
                "verdicts": Jsonb(_clean(run.verdicts)),
                "prompt": run.tokens_in,
                "completion": run.tokens_out,
                "seconds": round(run.seconds, 3),
            },
        )
    except (Error, ValueError, OverflowError) as error:
        _logger.warning("could not store the model run: %s", type(error).__name__)


async def insert_insights_of_hour(
    connection: AsyncConnection,
    written: HourInsights,
    revision: int,
    names: Mapping[str, str],
    run: ModelRun | None = None,
) -> int | None:
    """Store *written* as *revision* of its hour and return the market version after it; None if it exists."""
    async with connection.transaction():
        if not await insert_hour(connection, written, revision, run):
            return None
        await insert_insights(connection, written, revision, names)
        await insert_facts(connection, written, revision)
        return await raise_market_version(connection)


async def insert_hour(connection: AsyncConnection, written: HourInsights, revision: int, run: ModelRun | None) -> bool:
    """Insert the hour of *written*; False when this revision of it exists."""
    hour = written.hour
    cursor = await connection.execute(
        """
        INSERT INTO insight_hours (start, revision, "end", session, complete, missing, generator, model, verdicts,
                                   prompt_tokens, completion_tokens, sources, trace_id, written_at, left_out)
             VALUES (%(start)s, %(revision)s, %(end)s, %(session)s, %(complete)s, %(missing)s, %(generator)s, %(model)s,
                     %(verdicts)s, %(prompt)s, %(completion)s, %(sources)s, %(trace_id)s, %(now)s,
                     %(left_out)s)
        ON CONFLICT DO NOTHING
        """,
        {
            "start": hour.start,
            "revision": revision,
            "end": hour.end,
            "session": hour.session.date,
            "complete": not hour.missing,
            "missing": list(hour.missing),
            "generator": written.generator,
            "model": _clean(written.model),
            "verdicts": Jsonb(_clean(run.verdicts) if run else []),
            "prompt": run and run.tokens_in,
            "completion": run and run.tokens_out,
            "sources": sorted(_sources(written)),
            "trace_id": log.trace_id(),
            "now": clock.now(),
            "left_out": Jsonb(hour.left_out),
        },
    )
    return cursor.rowcount == 1


async def insert_insights(
    connection: AsyncConnection, written: HourInsights, revision: int, names: Mapping[str, str]
) -> None:
    """Insert the sentences of *written*."""
    await connection.cursor().executemany(
        """
        INSERT INTO insights (start, revision, place, template, insight, sentiment, tickers, generator, kind, story,
                              significance)
             VALUES (%(start)s, %(revision)s, %(place)s, %(template)s, %(insight)s, %(sentiment)s, %(tickers)s,
                     %(generator)s, %(kind)s, %(story)s, %(significance)s)
        """,
        [
            {
                "start": written.hour.start,
                "revision": revision,
                "place": place,
                "template": fill_names(insight.template, written.facts, names),
                "insight": render(insight.template, written.facts, names),
                "sentiment": insight.sentiment,
                "tickers": sorted(insight.tickers),
                "generator": insight.generator,
                "kind": insight.kind,
                "story": insight.story,
                "significance": round(insight.significance, 2),
            }
            for place, insight in enumerate(written.insights, 1)
        ],
    )


async def insert_facts(connection: AsyncConnection, written: HourInsights, revision: int) -> None:
    """Insert the facts in the sentences of *written*, each with the current digest of its bars."""
    await connection.cursor().executemany(
        """
        INSERT INTO insight_facts (start, revision, place, number, id, metric, ticker, basis, value, unit, text,
                                   direction, link, tickers, starts, fields, digest, "window", industry, left_out)
             VALUES (%(start)s, %(revision)s, %(place)s, %(number)s, %(id)s, %(metric)s, %(ticker)s, %(basis)s,
                     %(value)s, %(unit)s, %(text)s, %(direction)s, %(link)s, %(tickers)s, %(starts)s, %(fields)s,
                     %(digest)s, %(window)s, %(industry)s, %(left_out)s)
        """,
        [
            {
                "start": written.hour.start,
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
                "link": fact.source_bars.link,
                "tickers": list(fact.source_bars.tickers),
                "starts": list(fact.source_bars.starts),
                "fields": list(fact.source_bars.fields),
                "digest": bar_checksum(written.hour, fact.source_bars),
                "window": fact.window,
                "industry": fact.industry,
                "left_out": list(fact.left_out),
            }
            for place, insight in enumerate(written.insights, 1)
            for number, fact in enumerate(insight.facts(written.facts), 1)
        ],
    )


def _sources(written: HourInsights) -> set[str]:
    """Return the sources of the bars behind the published facts."""
    bars = written.hour.bars
    return {
        bars[ticker][start].source
        for insight in written.insights
        for fact in insight.facts(written.facts)
        for ticker in fact.source_bars.tickers
        for start in fact.source_bars.starts
    }


def _clean(value: Any) -> Any:
    """Return *value* without the characters that Postgres cannot store."""
    if isinstance(value, str):
        return value.replace("\x00", " ").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value
