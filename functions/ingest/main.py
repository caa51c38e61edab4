"""Ingest: handle a tick and reply with the event of the fetched data."""

import logging
from functools import cache, partial

import functions_framework.aio
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from functions.ingest.bars import fetch_bars
from functions.ingest.companies import fetch_companies
from functions.ingest.comparison import fetch_comparison
from functions.ingest.providers import open_provider
from functions.ingest.publication import publish
from functions.ingest.settings import Settings
from functions.ingest.ticks import InvalidTick, read_tick, tick_refused
from shared.connections.postgres import ConnectionPool
from shared.events.cloudevents import receive, reply
from shared.events.types import TICK
from shared.http.endpoint import handle_problems
from shared.runtime import log
from shared.runtime.settings import read_settings

log.configure()
_logger = logging.getLogger(__name__)
_settings = read_settings(Settings)
_pool = ConnectionPool(_settings)
_provider = cache(partial(open_provider, settings=_settings))
_jobs = {"bars": fetch_bars, "companies": fetch_companies, "compare": fetch_comparison}


@functions_framework.aio.http
@handle_problems
async def ingest(request: Request) -> Response:
    """Answer a tick with an event (200), or with 204 when there is nothing to fetch."""
    received = await receive(request)
    if received.type != TICK:
        _logger.warning("ignored an unexpected event type %s: check the filter of its Trigger", received.type)
        return Response(status_code=204)
    try:
        job, tick = read_tick(received)
        event = await _jobs[job](tick, _pool, _settings, _provider)
    except InvalidTick as refused:
        _logger.warning("refused tick %s: %s", received.id, refused)
        event = tick_refused(received, refused)
    answer = reply(event, source="ingest", event_id=received.id) if event else Response(status_code=204)
    answer.background = BackgroundTask(publish, _pool, _settings)
    return answer
