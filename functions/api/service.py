"""One request after the other: recognised and sent again within a moment, else read, found, and kept."""

import os
import re
import time

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from functions.api.answer import Answer, Entry
from functions.api.budgets import Budgets
from functions.api.cache import Cache, Question
from functions.api.cors import METHODS, Cors, preflight
from functions.api.freshness import Freshness
from functions.api.parameters import Query, TickerBars, read_query
from functions.api.routes import Asked, Endpoint, directory, route
from functions.api.scene import Scenes
from functions.api.sending import Ready, preferred
from functions.api.servers import Postgres, Redis
from functions.api.settings import Settings
from functions.api.tables import MEDIA_TYPES
from shared import clock
from shared.problem import Problem, answering

_READY_AT_MOST = 2000
_READY_SECONDS = 1.0
"""Then header lines that count down are made again."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

Key = tuple[bytes, bytes, bytes | None]


class Service:
    """Everything that one process keeps between requests; nothing that another would miss."""

    def __init__(self, settings: Settings) -> None:
        self._postgres = Postgres(settings)
        self._redis = Redis(settings)
        self._freshness = Freshness(self._postgres, self._redis)
        self._cache = Cache(self._redis, self._freshness)
        self._scenes = Scenes(settings.bar_grace_seconds)
        self._budgets = Budgets(self._redis, settings)
        self._cors = Cors(settings.cors_origins)
        self._directory = Ready(Entry(directory(), None), clock.now())
        self._ready: dict[Key, Ready] = {}
        self._ready_since = 0.0
        self._ready_until = 0.0
        self._ready_epoch: int | None = None
        self._slowly = answering(self._find)

    async def answer(self, request: Request) -> Response:
        """Return the answer to *request*, problems included."""
        return self._again(request.scope) or await self._answer(request)

    def _again(self, scope: Scope) -> Response | None:
        """Return what was answered to the very same request within the last second, looking at bytes only.

        Most requests end here: every line costs all of them.
        """
        if time.monotonic() >= self._ready_until:
            return None
        headers = dict(scope["headers"])
        ready = self._ready.get((scope["raw_path"], scope["query_string"], headers.get(b"accept")))
        if ready is None or scope["method"] not in ("GET", "HEAD"):
            return None
        response = ready.response(headers)
        asked = headers.get(b"x-request-id")
        if asked is None or not _REQUEST_ID.fullmatch(asked):
            asked = os.urandom(16).hex().encode()
        response.raw_headers.append((b"x-request-id", asked))
        if self._cors:
            response.raw_headers += self._cors.lines(headers.get(b"origin"))
        return response

    async def _answer(self, request: Request) -> Response:
        response = await self._slowly(request)
        if self._cors:
            origin = request.headers.get("origin")
            response.raw_headers += self._cors.lines(origin.encode("latin-1") if origin else None)
        return response

    async def _find(self, request: Request) -> Response:
        if self._ready:
            self._renew(await self._freshness.epoch())
            if again := self._again(request.scope):
                return again
        path: str = request.scope["path"]
        found = route(path)
        if found is None and path != "/":
            raise Problem(404, "not-found", "Not found", "There is nothing at this path. / lists what there is.")
        if request.method == "OPTIONS":
            return preflight()
        if request.method not in ("GET", "HEAD"):
            what = f"{request.method} is not possible here: only {METHODS}."
            raise Problem(405, "method-not-allowed", "Method not allowed", what, headers={"Allow": METHODS})
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        query_string: bytes = request.scope["query_string"]
        if found is None:
            read_query(Query, query_string)
            return self._directory.response(headers)
        endpoint, ticker = found
        query = _negotiated(read_query(endpoint.query, query_string), headers.get(b"accept", b""))
        entry = await self._cache.get(self._question(endpoint, ticker, query))
        ready = Ready(entry, clock.now())
        if entry.epoch == self._freshness.known:  # no newer one was seen while this was found
            self._keep((request.scope["raw_path"], query_string, headers.get(b"accept")), ready)
        return ready.response(headers)

    def _question(self, endpoint: Endpoint, ticker: str, query: Query) -> Question:
        async def find(epoch: int) -> Answer:
            async def work(connection: AsyncConnection) -> Answer:
                scene = await self._scenes.look(connection, epoch)
                return await endpoint.answer(Asked(connection, scene, query, ticker, self._budgets))

            return await self._postgres.ask(work)

        return Question(f"{endpoint.path} {ticker} {query.model_dump_json()}", find)

    def _keep(self, key: Key, ready: Ready) -> None:
        """Keep *ready* for a second, as long as the epoch that it was found under is the one that is known."""
        if len(self._ready) >= _READY_AT_MOST:
            self._ready.clear()
        self._renew(self._freshness.known)
        if not self._ready:
            self._ready_since = time.monotonic()
        self._ready[key] = ready

    def _renew(self, epoch: int | None) -> None:
        """Keep what is ready for another moment, if it was found under *epoch* within the last second."""
        if epoch != self._ready_epoch or time.monotonic() >= self._ready_since + _READY_SECONDS:
            self._ready.clear()
            self._ready_epoch = epoch
        self._ready_until = self._freshness.until


def _negotiated(query: Query, accept: bytes) -> Query:
    """Return *query* with the format that it, or else the header Accept, asks for."""
    if not isinstance(query, TickerBars) or query.format:
        return query
    return query.model_copy(update={"format": preferred(accept, MEDIA_TYPES)})
