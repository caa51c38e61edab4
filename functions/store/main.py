"""Event handler: store the bars and profiles that providers gave, and reply with the result."""

import json
import logging
from functools import cache
from typing import TYPE_CHECKING

import functions_framework.aio
from msgspec.structs import replace
from psycopg import AsyncConnection, DataError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from functions.store.bar_versions import SourcePriority
from functions.store.companies import store_companies
from functions.store.dead_letters import (
    dead_letter_reason,
    delete_replayed,
    select_dead_letters,
    upsert_dead_letter,
)
from functions.store.rejections import Origin
from functions.store.settings import Settings
from functions.store.store_bars import CLOCK_SKEW, StorePolicy, StoreResult, add_up, store_bars
from shared.cache.market_version import NAME as VERSION
from shared.cache.market_version import publish_market_version
from shared.connections.postgres import ConnectionPool, select_installation
from shared.connections.redis import installation_key
from shared.events.cloudevents import Received, receive, reply
from shared.events.types import BarsFetched, CompaniesFetched, ComparisonFetched, EventError, TickRefused
from shared.http.endpoint import handle_problems
from shared.http.problem import Problem
from shared.http.request_body import read_body
from shared.runtime import clock, log
from shared.runtime.settings import read_settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

OPERATOR_PATHS = ("/splits", "/withdrawals", "/closings")

log.configure()
_logger = logging.getLogger(__name__)
_settings = read_settings(Settings)
_pool = ConnectionPool(_settings)
_keys: dict[str, str] = {}
_policy = StorePolicy(SourcePriority(_settings.providers), _settings.settles_after)


class UnprocessableEvent(Exception):  # noqa: N818  the usual word for an event that can never succeed
    """Reason for storing an event as a dead letter instead of retrying it."""


@functions_framework.aio.http
@handle_problems
async def store(request: Request) -> Response:
    """Handle an event: at `/` data of providers, at `/dead-letters` events that other functions could not handle.

    For operators inside the cluster: GET /dead-letters and /metrics; POST /splits, /withdrawals, /closings.
    """
    path = request.url.path.rstrip("/")
    if path not in ("", "/dead-letters", "/metrics", *OPERATOR_PATHS):
        raise Problem(404, "not-found", "Not found", "Events are accepted at / and /dead-letters.")
    if path in OPERATOR_PATHS and request.method == "POST":
        return await change_by_operator(path, request)
    if request.method in ("GET", "HEAD") and path in ("/dead-letters", "/metrics"):
        return await operator_response(path)
    if request.method != "POST":
        raise _not_allowed("Send events with POST.", "POST")
    if path == "/metrics":
        raise _not_allowed("Metrics are read-only: use GET.", "GET, HEAD")
    event = await receive(request)
    if path:
        return await store_dead_letter(event, dead_letter_reason(event))
    try:
        answer = await handle_event(event)
    except UnprocessableEvent as poison:
        return await store_dead_letter(event, str(poison))
    except EventError as error:
        return await store_dead_letter(event, str(error))
    except DataError as error:
        return await store_dead_letter(event, f"Postgres cannot hold it: {error.diag.message_primary or error}")
    except OverflowError as error:
        return await store_dead_letter(event, f"a time lies beyond the calendar: {error}")
    if "replayed" in event.attributes:
        async with _pool.connection() as connection:
            await delete_replayed(connection, event)
    return answer


def _not_allowed(detail: str, allow: str) -> Problem:
    return Problem(405, "method-not-allowed", "Method not allowed", detail, headers={"Allow": allow})


async def operator_response(path: str) -> Response:
    """Return the dead letters or the metrics."""
    async with _pool.connection() as connection:
        if path == "/dead-letters":
            return Response(await select_dead_letters(connection), media_type="application/json")
        # An event's cold start does not wait for what only this needs.
        from functions.store.metrics import answer_metrics

        installation = await select_installation(connection)
        text = await answer_metrics(connection, _redis(), installation, _settings.grace)
        return Response(text, media_type="text/plain; version=0.0.4")


async def change_by_operator(path: str, request: Request) -> Response:
    """Handle a request of an operator and return its result."""
    from functions.store.operator_requests import MAX_BYTES, handle  # no event needs it

    body = await read_body(request, MAX_BYTES)
    async with _pool.connection() as connection:
        result, version = await handle(connection, path, body, _policy.priority)
    _logger.info("%s: %s", path, result["detail"])
    return with_publication(Response(json.dumps(result), media_type="application/json"), version)


async def handle_event(event: Received) -> Response:
    """Process *event*; UnprocessableEvent, EventError, DataError or OverflowError when that can never succeed."""
    if event.type == BarsFetched.TYPE:
        return await handle_bars_fetched(event, BarsFetched.from_json(event.data))
    if event.type == CompaniesFetched.TYPE:
        return await handle_companies_fetched(event, CompaniesFetched.from_json(event.data))
    if event.type == ComparisonFetched.TYPE:
        return await handle_comparison_fetched(event, ComparisonFetched.from_json(event.data))
    if event.type == TickRefused.TYPE:
        raise UnprocessableEvent(TickRefused.from_json(event.data).reason)
    raise UnprocessableEvent(f"store does not know the type {event.type}")


async def handle_bars_fetched(event: Received, fetched: BarsFetched) -> Response:
    """Store bars and reply with the result; a series that Postgres cannot hold becomes a dead letter by itself."""
    _refuse_the_future(fetched)
    origin = Origin(event.id, log.trace_id())
    async with _pool.connection() as connection:
        try:
            results = [await store_bars(connection, fetched, origin, _policy)]
        except (DataError, OverflowError):
            if len(fetched.series) < 2:
                raise
            results: list[StoreResult] = []
            for series in fetched.series:
                part = replace(fetched, series=(series,))
                try:
                    results.append(await store_bars(connection, part, origin, _policy))
                except (DataError, OverflowError) as error:
                    await _set_aside(connection, _part_of(event, series.ticker, part), str(error))
    answer = reply(
        add_up(fetched.interval, [one.stored for one in results]),
        source="store",
        event_id=f"stored:{event.id}",
        extensions={"hourcomplete": "true" if any(one.hour_complete for one in results) else "false"},
    )
    return with_publication(answer, max((one.epoch for one in results if one.epoch is not None), default=None))


async def handle_companies_fetched(event: Received, fetched: CompaniesFetched) -> Response:
    """Store company profiles; one that cannot be stored, or of an unknown ticker, becomes a dead letter by itself."""
    _refuse_the_future(fetched)
    epochs: list[int | None] = []
    unknown: list[str] = []
    async with _pool.connection() as connection:
        try:
            epoch, unknown = await store_companies(connection, fetched)
            epochs.append(epoch)
        except (DataError, OverflowError):
            if len(fetched.companies) < 2:
                raise
            for company in fetched.companies:
                part = replace(fetched, companies=(company,))
                try:
                    epoch, strangers = await store_companies(connection, part)
                except (DataError, OverflowError) as error:
                    await _set_aside(connection, _part_of(event, company.ticker, part), str(error))
                else:
                    epochs.append(epoch)
                    unknown += strangers
    epoch = max((one for one in epochs if one is not None), default=None)
    if unknown:
        await publish_version(epoch)
        raise UnprocessableEvent(f"not tracked: {', '.join(unknown)}; the others were stored")
    return with_publication(Response(status_code=204), epoch)


async def handle_comparison_fetched(event: Received, fetched: ComparisonFetched) -> Response:
    """Compare the stored bars with those of another provider."""
    _refuse_the_future(fetched)
    from functions.store.comparison import Tolerances, store_comparison  # once a night

    tolerances = Tolerances(_settings.compare_price_percent, _settings.compare_volume_percent)
    async with _pool.connection() as connection:
        version = await store_comparison(connection, fetched, Origin(event.id, log.trace_id()), tolerances)
    return with_publication(Response(status_code=204), version)


def _part_of(event: Received, ticker: str, part: BarsFetched | CompaniesFetched) -> Received:
    """Return the part of *event* about *ticker* as an event that can be replayed by itself."""
    return Received({**event.attributes, "id": f"{event.id}/{ticker}"}, part.to_json())


async def store_dead_letter(event: Received, reason: str) -> Response:
    """Store *event* whole as a dead letter: it must not be retried, and must not be lost."""
    async with _pool.connection() as connection:
        await _set_aside(connection, event, reason)
    return Response(status_code=204)


async def _set_aside(connection: AsyncConnection, event: Received, reason: str) -> None:
    # On the caller's connection: four requests that each wait for a second one would wait for ever.
    _logger.warning("dead letter %s %s: %s", event.type, event.id, reason)
    await upsert_dead_letter(connection, event, reason)


def with_publication(answer: Response, epoch: int | None) -> Response:
    """Return *answer*, which publishes *epoch* once it is sent: the broker need not wait for that."""
    if epoch is not None:
        answer.background = BackgroundTask(publish_version, epoch)
    return answer


async def publish_version(epoch: int | None) -> None:
    """Publish *epoch*; without Redis readers find out by themselves within seconds."""
    if epoch is None:
        return
    from redis import RedisError  # its client takes a sixth of a cold start to load

    try:
        await publish_market_version(_redis(), await _version_key(), epoch)
    except RedisError as error:
        _logger.warning("could not publish the market version: %s", error)


async def _version_key() -> str:
    """Return the key of the market version in Redis, read once per process."""
    if not _keys:
        async with _pool.connection() as connection:
            _keys[VERSION] = installation_key(await select_installation(connection), VERSION)
    return _keys[VERSION]


@cache
def _redis() -> "Redis":
    from shared.connections.redis import connect_cache

    return connect_cache(_settings)


def _refuse_the_future(fetched: BarsFetched | CompaniesFetched | ComparisonFetched) -> None:
    if fetched.fetched_at > clock.now() + CLOCK_SKEW:
        raise UnprocessableEvent(f"fetched_at {fetched.fetched_at.isoformat()} lies in the future")
