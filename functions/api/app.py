"""Application of the reading API: known requests from memory, others by endpoint through the response cache."""

import os
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic

from psycopg import AsyncConnection
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from functions.api.documentation import PAGES, page
from functions.api.event_stream import EventStreams, NewestData, load_newest
from functions.api.formats import negotiable_formats
from functions.api.market_state import MarketState, MarketStateCache
from functions.api.parameters import History, Query, Selection, Table, TickerBars, TickerLatest
from functions.api.provider_usage import ProviderUsage
from functions.api.routes import ALIASES, ENDPOINTS, Endpoint, RequestContext
from functions.api.settings import Settings
from shared.auth.account_lists import find_list
from shared.auth.authenticator import READ, Caller
from shared.auth.link_authenticator import LinkAuthenticator
from shared.auth.open_history import open_history
from shared.cache.cached_response import CacheScope
from shared.cache.market_version import MarketVersion
from shared.cache.response_cache import CachedQuery, ResponseCache, code_version
from shared.calendar.trading import EXCHANGE_ZONE
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import Router, public_endpoint
from shared.http.negotiation import negotiate
from shared.http.problem import Problem
from shared.http.query import read_query
from shared.http.response_data import ResponseData
from shared.http.tickers import normalize_separators, parse_ticker, renamed_ticker, unknown_ticker
from shared.runtime import clock


class _TickerConvertor(StringConvertor):
    """Ticker in a path; the slash of BRK/B is a part of it."""

    regex = "[^/]+(?:/[A-Za-z]{1,2})?"


register_url_convertor("ticker", _TickerConvertor())
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_TOKEN_FORMATS = ("arrow",)
_MAX_AT_ONCE = 24
"""Different queries of one caller that wait for the database."""


class Api:
    """Everything that one process keeps between requests; nothing that another would miss."""

    def __init__(self, settings: Settings) -> None:
        self._postgres = PostgresClient(settings)
        self._redis = RedisClient(settings, self._postgres)
        version = MarketVersion(self._postgres, self._redis)
        self._cache = ResponseCache(self._redis, version, code_version(Path(__file__)))
        self._market_states = MarketStateCache(settings.bar_grace_seconds)
        self._provider_usage = ProviderUsage(self._redis)
        self._authenticator = LinkAuthenticator(settings, self._redis, self._postgres)
        self._open_days = settings.anonymous_history_days
        self._public_url = (settings.public_url or "").rstrip("/")
        self._streams = EventStreams(version, self._load_newest, self._authenticator.is_valid)
        self._at_once: dict[int, Counter[str]] = {}  # by caller, then by query
        self._handle = public_endpoint(self._router(), self._authenticator)

    async def respond(self, request: Request) -> Response:
        """Return the response to *request*, problems included."""
        return self._reuse(request.scope) or await self._respond(request)

    async def _respond(self, request: Request) -> Response:
        response = await self._handle(request)
        is_problem = response.media_type == "application/problem+json"
        if is_problem and request.url.path.startswith("/embed/") and "text/html" in request.headers.get("accept", ""):
            from functions.api.embed import problem_document  # a person looks at the frame

            return problem_document(response)
        return response

    def _reuse(self, scope: Scope) -> Response | None:
        """Return the response to the very same request of a moment ago, comparing bytes alone.

        Most requests end here: every line costs all of them.
        """
        if scope["method"] not in ("GET", "HEAD"):
            return None
        now = monotonic()
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]):  # repeated ones, which may have to be refused
            return None
        caller = self._authenticator.find_caller(scope, headers)
        if caller is None:
            return None
        key = (scope["raw_path"], scope["query_string"], headers.get(b"accept"), caller.can_read_history)
        prepared = self._cache.reuse(key, now)
        if prepared is None or (rate_limit := caller.try_acquire(now)) is None:
            return None
        response = prepared.response(headers)
        request_id = headers.get(b"x-request-id")
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = os.urandom(16).hex().encode()
        response.raw_headers += (*rate_limit, (b"x-request-id", request_id))
        return response

    def _router(self) -> Router:
        paths = {endpoint.path: endpoint for endpoint in ENDPOINTS}
        paths |= {alias: paths[path] for alias, path in ALIASES.items()}
        routes = [
            Route(path.replace("{ticker}", "{ticker:ticker}"), partial(self._get, endpoint))
            for path, endpoint in paths.items()
        ]
        routes.append(Route("/events", self._streams.respond))
        return Router([*routes, *(Route(path, _get_page) for path in PAGES)], "/ lists what there is.")

    async def _get(self, endpoint: Endpoint, request: Request, caller: Caller) -> Response:
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        text: bytes = request.scope["query_string"]
        accept = headers.get(b"accept")
        query = read_query(endpoint.query, text)
        if isinstance(query, TickerBars | Table | TickerLatest) and not query.format:
            any_will_do = accept in (None, b"*/*")
            query = replace(query, format="json" if any_will_do else negotiate(accept, negotiable_formats(query)))
        key: tuple[object, ...] = (request.scope["raw_path"], text, accept, caller.can_read_history)
        own_list = ()
        if isinstance(query, Selection) and query.list is not None:
            own_list = tuple(sorted((await find_list(self._postgres, caller, query.list)).tickers))
            query, key = replace(query, list=None, tickers=own_list), (*key, own_list)
        cached_query = self._cached_query(endpoint, _ticker(request), query, text.decode("latin-1"), caller)
        if own_list:  # it may change at any moment
            cached_query = replace(cached_query, scope=CacheScope.REVALIDATED)
        running = self._at_once.setdefault(id(caller), Counter())
        # Equal queries share one run, so they count once.
        if cached_query.text not in running and len(running) >= _MAX_AT_ONCE:
            raise _too_many_at_once()
        running[cached_query.text] += 1
        try:
            prepared = await self._cache.get(key, cached_query)
        finally:
            running[cached_query.text] -= 1
            running += Counter()  # drops what has come to zero
            if not running:
                self._at_once.pop(id(caller), None)
        return prepared.response(headers)

    async def _load_newest(self, version: int, account: str | None) -> tuple[MarketState, NewestData] | None:
        """Return the market state and the newest data, None during an outage."""

        async def work(connection: AsyncConnection) -> tuple[MarketState, NewestData]:
            return await self._market_states.load(connection, version), await load_newest(connection, account)

        try:
            return await self._postgres.run(work)
        except UnavailableError:
            return None

    def _cached_query(
        self, endpoint: Endpoint, ticker: str, query: Query, query_string: str, caller: Caller
    ) -> CachedQuery:
        """Return the CachedQuery of *query*; Problem 401 or 403 for history that *caller* may not read."""
        scope, readable_from, midnight = CacheScope.ALL, None, None
        if endpoint.protected:
            caller.require(READ, endpoint.protected)
            scope = CacheScope.PRIVATE
        if self._open_days and isinstance(query, History):
            scope = CacheScope.PRIVATE if caller.principal else CacheScope.ANONYMOUS
            if not caller.can_read_history:
                readable_from, midnight = self._check_history(query, caller)

        async def run(version: int) -> ResponseData:
            async def work(connection: AsyncConnection) -> ResponseData:
                state = await self._market_states.load(connection, version)
                found = _resolve(endpoint, state, ticker, query_string) if ticker else ""
                context = RequestContext(
                    connection, state, query, found, readable_from, self._provider_usage, self._public_url
                )
                return await endpoint.respond(context)

            data = await self._postgres.run(work)
            if endpoint.finish:
                data = await endpoint.finish(data)
            until = min((instant for instant in (data.valid_until, midnight) if instant), default=None)
            return replace(data, valid_until=until)

        return CachedQuery(
            f"{endpoint.path} {ticker} {query} {readable_from or ''}", run, not query_string, scope, id(caller)
        )

    def _check_history(self, query: History, caller: Caller) -> tuple[datetime, datetime]:
        """Return where history begins for *caller*, and the midnight that moves it; Problem 401 or 403 before that."""
        if isinstance(query, TickerBars) and query.format in _TOKEN_FORMATS:
            caller.require(READ, f"Reading the format {query.format}")
        open_from, midnight = open_history(self._open_days, clock.now())
        if (query.start and query.start < open_from) or (query.end and query.end <= open_from):
            caller.require(READ, f"Reading history before {open_from.astimezone(EXCHANGE_ZONE).date()}")
        return open_from, midnight


async def _get_page(request: Request, _: Caller) -> Response:
    read_query(Query, request.scope["query_string"])
    return page(request.scope["path"]).response(dict(request.scope["headers"]))


def _ticker(request: Request) -> str:
    """Return the ticker in the path, "" where it has none; Problem 404 when no ticker looks like it."""
    text = request.path_params.get("ticker")
    try:
        return parse_ticker(text) if text else ""
    except ValueError:
        raise unknown_ticker(f"{text}"[:50]) from None


def _resolve(endpoint: Endpoint, state: MarketState, name: str, query_string: str) -> str:
    """Return the ticker that *name* in a path spells; Problem 404, or 301 to the new name of a renamed one."""
    (ticker,) = state.resolve_tickers([name])
    own = next((one for one in (name, normalize_separators(name)) if one in state.renames), None)
    if ticker == own or (own and not endpoint.follows_renames):
        return own or ticker
    raise renamed_ticker(name, ticker, query_string)


def _too_many_at_once() -> Problem:
    detail = f"At most {_MAX_AT_ONCE} requests of one caller are processed concurrently. Try again in 1 s."
    return Problem(429, "too-many-requests", "Too many requests", detail, headers={"Retry-After": "1"})
