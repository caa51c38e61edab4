"""Model revision: store a model's accepted sentences as the next revision of an hour written by the rules."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from psycopg import AsyncConnection

from functions.insights.facts.hour import Hour
from functions.insights.facts.registry import FactTable
from functions.insights.generation.editor import Choice
from functions.insights.generation.insert import (
    count_call,
    insert_insights_of_hour,
    insert_run,
    release_claim,
    upsert_claim,
)
from functions.insights.generation.model_sentences import write_sentences
from functions.insights.generation.queries import select_hour_to_word, select_model_chooses
from functions.insights.generation.result import MODEL_CALLS, HourInsights, ModelRun
from functions.insights.generation.write import WriteResult, choose_stories, load_hours
from functions.insights.settings import Settings
from functions.insights.text.template import short_names
from shared.connections.postgres import PostgresClient

T = TypeVar("T")
_logger = logging.getLogger(__name__)
_CLAIM_SLACK = 30


@dataclass(frozen=True)
class _Claim:
    """An hour claimed for the model, its stories, and its revision by the rules."""

    hour: Hour
    facts: FactTable
    choices: list[Choice]
    names: dict[str, str]
    revision: int
    model_chooses: bool


async def write_model_revision(
    postgres: PostgresClient, settings: Settings, end: datetime, written: WriteResult
) -> None:
    """Ask the model to word the hour that ends at *end*, and store accepted sentences; hold no connection meanwhile."""
    claim = await postgres.run(lambda connection: _claim(connection, settings, end))
    if claim is None:
        return
    start = claim.hour.start

    async def may_call() -> bool:
        return await postgres.run(lambda connection: count_call(connection, start)) <= MODEL_CALLS

    run: ModelRun | None = None
    try:
        run = await write_sentences(claim.choices, claim.facts, settings, may_call, choose=claim.model_chooses)
    finally:
        found = run
        await postgres.run(lambda connection: _finish(connection, claim, found, written))


async def _claim(connection: AsyncConnection, settings: Settings, end: datetime) -> _Claim | None:
    """Return the stories of the hour that ends at *end*, None where there is nothing to do, or another does it."""
    known = await select_hour_to_word(connection, end)
    seconds = settings.insights_timeout_seconds + _CLAIM_SLACK
    if known is None or not await upsert_claim(connection, known[0], seconds, MODEL_CALLS):
        return None
    start, revision = known
    [hour], companies = await load_hours(connection, [start])
    facts, choices = await choose_stories(connection, hour)
    names = short_names({company.ticker: company.name for company in companies})
    model_chooses = await select_model_chooses(connection, settings.default_model)
    return _Claim(hour, facts, choices, names, revision, model_chooses) if choices else None


async def _finish(connection: AsyncConnection, claim: _Claim, run: ModelRun | None, written: WriteResult) -> None:
    """Store the run, and its words unless the hour was written again meanwhile; release the claim."""
    start = claim.hour.start
    await release_claim(connection, start)
    if run is None:
        return
    await insert_run(connection, start, run)
    if run.fallen_back == len(claim.choices):
        return
    if await select_hour_to_word(connection, claim.hour.end) != (start, claim.revision):
        _logger.info("%s was written again before the model answered", start.isoformat())
        return
    result = HourInsights(claim.hour, claim.facts, run.insights, run.model)
    epoch = await insert_insights_of_hour(connection, result, claim.revision + 1, claim.names, run)
    if epoch is not None:
        written.add(result, claim.revision + 1, epoch)
        _logger.info(
            "%s: %d of %d sentences by %s", start.isoformat(), run.accepted + run.repaired, len(run.insights), run.model
        )
