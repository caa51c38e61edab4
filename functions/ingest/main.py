"""Ingest: a tick comes in, the event that tells of what was missing and could be fetched goes out as the reply."""

import logging
from functools import cache, partial

import functions_framework.aio
from starlette.requests import Request
from starlette.responses import Response

from functions.ingest.bars import fetch_bars
from functions.ingest.companies import fetch_companies
from functions.ingest.providers import open_provider
from functions.ingest.settings import Settings
from functions.ingest.ticks import Refused, read_tick, refuse
from shared import log
from shared.cloudevents import receive, reply
from shared.database import Pool
from shared.events import TICK
from shared.problem import answering
from shared.settings import read_settings

log.configure()
_logger = logging.getLogger(__name__)
_settings = read_settings(Settings)
_pool = Pool(_settings)
_provider = cache(partial(open_provider, settings=_settings))
_jobs = {"bars": fetch_bars, "companies": fetch_companies}


@functions_framework.aio.http
@answering
async def ingest(request: Request) -> Response:
    """Answer a tick with an event (200), or with 204 when there is nothing to tell."""
    received = await receive(request)
    if received.type != TICK:
        _logger.warning("took in a %s, which a Trigger should not have sent here", received.type)
        return Response(status_code=204)
    try:
        job, tick = read_tick(received)
        event = await _jobs[job](tick, _pool, _settings, _provider)
    except Refused as refused:
        _logger.warning("refused tick %s: %s", received.id, refused)
        event = refuse(received, refused)
    if event is None:
        return Response(status_code=204)
    return reply(event, source="ingest", event_id=received.id)
