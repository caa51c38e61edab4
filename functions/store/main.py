"""Store: what providers answered comes in and is kept in Postgres; what came of it goes out as the reply."""

import logging
from datetime import timedelta
from functools import cache, partial

import functions_framework.aio
from psycopg import DataError
from pydantic import ValidationError
from redis import RedisError
from starlette.requests import Request
from starlette.responses import Response

from functions.store.companies import keep_companies
from functions.store.dead_letters import dead_letter_reason, upsert_dead_letter
from functions.store.history import Trust
from functions.store.keep import Rules, keep_bars
from functions.store.rejections import Origin
from functions.store.settings import Settings
from shared import clock, log
from shared.cache import connect_cache
from shared.cloudevents import Received, receive, reply
from shared.database import Pool
from shared.epoch import publish_epoch
from shared.events import BarsFetched, CompaniesFetched, TickRefused, explain
from shared.problem import Problem, answering
from shared.settings import read_settings

CLOCK_SKEW = timedelta(minutes=10)
"""An answer from further in the future would outrank every true one until then."""

log.configure()
_logger = logging.getLogger(__name__)
_settings = read_settings(Settings)
_pool = Pool(_settings)
_rules = Rules(Trust(_settings.providers), _settings.settles_after)
_redis = cache(partial(connect_cache, _settings))


class Poison(Exception):  # noqa: N818  the usual word for an event that can never succeed
    """Why an event is put aside instead of being tried again."""


@functions_framework.aio.http
@answering
async def store(request: Request) -> Response:
    """Take an event: `/` what providers answered, `/dead-letters` whatever others could not deal with."""
    path = request.url.path.rstrip("/")
    if path not in ("", "/dead-letters"):
        raise Problem(404, "not-found", "Not found", "Events are taken at / and /dead-letters.")
    if request.method != "POST":
        raise Problem(
            405, "method-not-allowed", "Method not allowed", "Events come by POST.", headers={"Allow": "POST"}
        )
    event = await receive(request)
    if path:
        return await put_aside(event, dead_letter_reason(event))
    try:
        return await keep(event)
    except Poison as poison:
        return await put_aside(event, str(poison))
    except ValidationError as error:
        return await put_aside(event, explain(error))
    except DataError as error:
        return await put_aside(event, f"Postgres cannot hold it: {error.diag.message_primary or error}")
    except OverflowError as error:
        return await put_aside(event, f"a time lies beyond the calendar: {error}")


async def keep(event: Received) -> Response:
    """Keep what *event* tells; Poison, ValidationError, DataError or OverflowError when that can never succeed."""
    if event.type == BarsFetched.TYPE:
        return await take_bars(event, BarsFetched.model_validate_json(event.data))
    if event.type == CompaniesFetched.TYPE:
        return await take_companies(CompaniesFetched.model_validate_json(event.data))
    if event.type == TickRefused.TYPE:
        raise Poison(TickRefused.model_validate_json(event.data).reason)
    raise Poison(f"store does not know the type {event.type}")


async def take_bars(event: Received, fetched: BarsFetched) -> Response:
    """Keep bars and reply with what came of it."""
    _refuse_the_future(fetched)
    async with _pool.connection() as connection:
        stored, hour_complete, epoch = await keep_bars(
            connection,
            fetched,
            Origin(event.id, log.trace_id()),
            _rules,
        )
    await tell_readers(epoch)
    return reply(
        stored,
        source="store",
        event_id=f"stored:{event.id}",
        extensions={"hourcomplete": "true" if hour_complete else "false"},
    )


async def take_companies(fetched: CompaniesFetched) -> Response:
    """Keep company profiles; those of strangers are put aside with the whole event."""
    _refuse_the_future(fetched)
    async with _pool.connection() as connection:
        epoch, strangers = await keep_companies(connection, fetched)
    await tell_readers(epoch)
    if strangers:
        raise Poison(f"not tracked: {', '.join(strangers)}; the others were kept")
    return Response(status_code=204)


async def put_aside(event: Received, reason: str) -> Response:
    """Keep *event* whole as a dead letter: it must not be tried again, and must not be lost."""
    _logger.warning("put aside %s %s: %s", event.type, event.id, reason)
    async with _pool.connection() as connection:
        await upsert_dead_letter(connection, event, reason)
    return Response(status_code=204)


async def tell_readers(epoch: int | None) -> None:
    """Publish *epoch*; without Redis readers find out by themselves within seconds."""
    if epoch is None:
        return
    try:
        await publish_epoch(_redis(), epoch)
    except RedisError as error:
        _logger.warning("could not publish the market epoch: %s", error)


def _refuse_the_future(fetched: BarsFetched | CompaniesFetched) -> None:
    if fetched.fetched_at > clock.now() + CLOCK_SKEW:
        raise Poison(f"fetched_at {fetched.fetched_at.isoformat()} lies in the future")
