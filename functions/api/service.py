"""One request after the other: recognised and sent again within a moment, else read, found, and kept."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from functions.api.documentation import PAGES, page
from functions.api.formats import MEDIA_TYPES
from functions.api.parameters import Query, TickerBars
from functions.api.provider_usage import ProviderUsage
from functions.api.routes import ALIASES, ENDPOINTS, Asked, Endpoint
from functions.api.scene import Scenes, unknown_ticker
from functions.api.settings import Settings
from functions.api.values import as_ticker
from shared.auth.authenticator import Authenticator
from shared.auth.caller import READ, Caller
from shared.cache.market_version_cache import MarketVersionCache
from shared.cache.response_cache import CachedQuery, ResponseCache, code_version
from shared.calendar.trading import EXCHANGE_ZONE
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import public_endpoint
from shared.http.prepared_response import CacheScope, PreparedResponse, negotiate
from shared.http.query import read_query
from shared.http.response_data import ResponseData
from shared.http.router import Router
from shared.runtime import clock

_READY_AT_MOST = 2000
_READY_SECONDS = 1.0
"""Then header lines that count down are made again."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

_EXPORTS = ("arrow",)

Key = tuple[bytes, bytes, bytes | None, bool]


class Service:
    """Everything that one process keeps between requests; nothing that another would miss."""

    def __init__(self, settings: Settings) -> None:
        self._postgres = PostgresClient(settings)
        self._redis = RedisClient(settings)
        self._freshness = MarketVersionCache(self._postgres, self._redis)
        self._cache = ResponseCache(self._redis, self._freshness, code_version(Path(__file__)))
        self._scenes = Scenes(settings.bar_grace_seconds)
        self._provider_usage = ProviderUsage(self._redis)
        self._gate = Authenticator(settings, self._redis, self._postgres)
        self._open_days = settings.anonymous_history_days
        self._ready: dict[Key, PreparedResponse] = {}
        self._ready_since = 0.0
        self._ready_until = 0.0
        self._ready_epoch: int | None = None
        self._handle = public_endpoint(self._router(), self._gate)

    async def answer(self, request: Request) -> Response:
        """Return the answer to *request*, problems included."""
        return self._again(request.scope) or await self._handle(request)

    def _again(self, scope: Scope) -> Response | None:
        """Return what was answered to the very same request within the last second, looking at bytes only.

        Most requests end here: every line costs all of them.
        """
        now = monotonic()
        if now >= self._ready_until or scope["method"] not in ("GET", "HEAD"):
            return None
        headers = dict(scope["headers"])
        caller = self._gate.find_caller(scope, headers)
        if caller is None:
            return None
        ready = self._ready.get(
            (scope["raw_path"], scope["query_string"], headers.get(b"accept"), caller.can_read_history)
        )
        if ready is None or (lines := caller.try_acquire(now)) is None:
            return None
        response = ready.response(headers)
        asked = headers.get(b"x-request-id")
        if asked is None or not _REQUEST_ID.fullmatch(asked):
            asked = os.urandom(16).hex().encode()
        response.raw_headers += (*lines, (b"x-request-id", asked))
        return response

    def _router(self) -> Router:
        routes = [Route(endpoint.path, partial(self._find, endpoint)) for endpoint in ENDPOINTS]
        by_path = {endpoint.path: endpoint for endpoint in ENDPOINTS}
        routes += [Route(alias, partial(self._find, by_path[path])) for alias, path in ALIASES.items()]
        routes += [Route(path, _answer_page) for path in PAGES]
        return Router(routes, "/ lists what there is.")

    async def _find(self, endpoint: Endpoint, request: Request, caller: Caller) -> Response:
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        query_string: bytes = request.scope["query_string"]
        key = (request.scope["raw_path"], query_string, headers.get(b"accept"), caller.can_read_history)
        if self._ready:
            self._renew(await self._freshness.epoch())
            if again := self._ready.get(key):
                return again.response(headers)
        ticker = _ticker(request)
        query = _negotiated(read_query(endpoint.query, query_string), headers.get(b"accept", b""))
        entry = await self._cache.get(self._question(endpoint, ticker, query, self._open_from(query, caller)))
        ready = PreparedResponse(entry, clock.now(), self._sharing(query, caller))
        if entry.epoch == self._freshness.known:  # no newer one was seen while this was found
            self._keep(key, ready)
        return ready.response(headers)

    def _open_from(self, query: Query, caller: Caller) -> datetime | None:
        """Return where history begins for *caller* where *query* leaves that open; Problem 401 or 403 before that."""
        if caller.can_read_history or not self._open_days or not isinstance(query, TickerBars):
            return None
        if query.format in _EXPORTS:
            caller.require(READ, f"The format {query.format}")
        day = clock.now().astimezone(EXCHANGE_ZONE).date() - timedelta(days=self._open_days)
        open_from = datetime.combine(day, time(), EXCHANGE_ZONE).astimezone(UTC)
        if (query.start and query.start < open_from) or (query.end and query.end <= open_from):
            caller.require(READ, f"History before {day}")
        return None if query.start else open_from

    def _sharing(self, query: Query, caller: Caller) -> CacheScope:
        """Return who else may be given the answer: history is not the same for all."""
        if not self._open_days or not isinstance(query, TickerBars):
            return CacheScope.ALL
        return CacheScope.NOBODY if caller.principal else CacheScope.ANONYMOUS

    def _question(self, endpoint: Endpoint, ticker: str, query: Query, open_from: datetime | None) -> CachedQuery:
        async def find(epoch: int) -> ResponseData:
            async def work(connection: AsyncConnection) -> ResponseData:
                scene = replace(await self._scenes.look(connection, epoch), open_from=open_from)
                return await endpoint.answer(Asked(connection, scene, query, ticker, self._provider_usage))

            return await self._postgres.run(work)

        return CachedQuery(f"{endpoint.path} {ticker} {query} {open_from or ''}", find)

    def _keep(self, key: Key, ready: PreparedResponse) -> None:
        """Keep *ready* for a second, as long as the epoch that it was found under is the one that is known."""
        if len(self._ready) >= _READY_AT_MOST:
            self._ready.clear()
        self._renew(self._freshness.known)
        if not self._ready:
            self._ready_since = monotonic()
        self._ready[key] = ready

    def _renew(self, epoch: int | None) -> None:
        """Keep what is ready for another moment, if it was found under *epoch* within the last second."""
        if epoch != self._ready_epoch or monotonic() >= self._ready_since + _READY_SECONDS:
            self._ready.clear()
            self._ready_epoch = epoch
        self._ready_until = self._freshness.until


async def _answer_page(request: Request, _: Caller) -> Response:
    read_query(Query, request.scope["query_string"])
    return page(request.scope["path"]).response(dict(request.scope["headers"]))


def _ticker(request: Request) -> str:
    """Return the ticker in the path, "" where it has none; Problem 404 when no ticker looks like it."""
    text = request.path_params.get("ticker")
    try:
        return as_ticker(text) if text else ""
    except ValueError:
        raise unknown_ticker(f"{text}"[:50]) from None


def _negotiated(query: Query, accept: bytes) -> Query:
    """Return *query* with the format that it, or else the header Accept, asks for."""
    if not isinstance(query, TickerBars) or query.format:
        return query
    return replace(query, format=negotiate(accept, MEDIA_TYPES))
