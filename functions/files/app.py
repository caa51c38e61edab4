"""Application of files: the manifest, and a file whole or in ranges."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from functions.files.builder import Builder
from functions.files.manifest import Manifest
from functions.files.queries import BarFile, select_content
from functions.files.ranges import ByteRange, UnsatisfiableError, read_range
from functions.files.settings import Settings
from shared.auth.authenticator import READ, Authenticator, Caller
from shared.auth.open_history import open_history
from shared.cache.market_version import MarketVersion
from shared.cache.response_cache import CachedQuery, ResponseCache, code_version
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import Router, public_endpoint
from shared.http.problem import Problem, bad_parameters
from shared.runtime import clock

PARQUET = "application/vnd.apache.parquet"
_EXCHANGE_ZONE = ZoneInfo("America/New_York")
_NAME = re.compile(r"bars-(2[01][0-9]{2}|19[0-9]{2})-(0[1-9]|1[0-2])\.parquet")
_PIECE = 1 << 20
_MAX_AGE = 60
"""Seconds: clients that ask again get 304."""


class FilesApp:
    """State of one process; nothing that another would miss."""

    def __init__(self, settings: Settings) -> None:
        self._postgres = PostgresClient(settings)
        redis = RedisClient(settings, self._postgres)
        self._version = MarketVersion(self._postgres, redis)
        self._builder = Builder(self._postgres)
        self._manifest = Manifest(self._postgres, self._builder, settings.anonymous_history_days)
        self._cache = ResponseCache(redis, self._version, code_version(Path(__file__)))
        self._open_days = settings.anonymous_history_days
        routes = [Route("/files/manifest.json", self._list), Route("/files/{name}", self._get)]
        authenticator = Authenticator(settings, redis, self._postgres)
        self.respond = public_endpoint(Router(routes, "/files/manifest.json lists the files."), authenticator)

    async def _list(self, request: Request, _: Caller) -> Response:
        _refuse_parameters(request)
        query = CachedQuery("/files/manifest.json", self._manifest.make)
        prepared = await self._cache.get(request.url.path, query)
        return prepared.response(dict(request.scope["headers"]))

    async def _get(self, request: Request, caller: Caller) -> Response:
        _refuse_parameters(request)
        month = _month(request.path_params["name"])
        self._check_access(month, caller)
        file = await self._builder.get(month, await self._version.get())
        if file is None:
            raise Problem(404, "not-found", "Not found", f"No bars of {month:%Y-%m} are stored.")
        visibility = "private" if self._open_days else "public"
        headers = {
            "ETag": f'"{file.sha256[:32]}"',
            "Cache-Control": f"{visibility}, max-age={_MAX_AGE}",
            "Accept-Ranges": "bytes",
            "Vary": "Authorization",
        }
        known = request.headers.get("if-none-match", "")
        if headers["ETag"] in known or known.strip() == "*":
            return Response(None, 304, headers)
        headers["Content-Type"] = PARQUET
        headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
        asked = _asked_range(request, headers["ETag"], file)
        part = asked or ByteRange(0, file.bytes - 1)
        headers["Content-Length"] = str(part.length)
        if asked:
            headers["Content-Range"] = f"bytes {part.first}-{part.last}/{file.bytes}"
        status = 206 if asked else 200
        if request.method == "HEAD":
            return Response(None, status, headers)
        # Read before the status is sent, so that an error has a status of its own.
        begin = await self._read(file, part.first, min(part.length, _PIECE))
        return StreamingResponse(self._pieces(file, part, begin), status, headers)

    def _check_access(self, month: date, caller: Caller) -> None:
        """Raise Problem 401 or 403 for a month that begins before the history that is open to *caller*."""
        if not self._open_days or caller.can_read_history:
            return
        open_from, _ = open_history(self._open_days, clock.now())
        if datetime.combine(month, time(), _EXCHANGE_ZONE).astimezone(UTC) < open_from:
            caller.require(READ, f"Reading a month that begins before {open_from.astimezone(_EXCHANGE_ZONE).date()}")

    async def _pieces(self, file: BarFile, part: ByteRange, begin: bytes) -> AsyncIterator[bytes]:
        """Yield *part* of *file*, which starts with *begin*; no connection is held between two pieces."""
        yield begin
        place = part.first + len(begin)
        while place <= part.last:
            piece = await self._read(file, place, min(part.last - place + 1, _PIECE))
            place += len(piece)
            yield piece

    async def _read(self, file: BarFile, first: int, length: int) -> bytes:
        """Return bytes of *file*; Problem 503 if it has just been replaced."""
        work = partial(select_content, file=file, first=first, length=length)
        if content := await self._postgres.run(work):
            return content
        detail = f"{file.name} was rebuilt during the download. Try again in 1 s."
        raise Problem(503, "busy", "Busy", detail, headers={"Retry-After": "1"})


def _refuse_parameters(request: Request) -> None:
    """Raise Problem 400 for a query string: a file has no parameters."""
    if request.scope["query_string"]:
        raise bad_parameters([("", "A file has no parameters.")])


def _month(name: str) -> date:
    """Return the month in the *name* of a file; Problem 404 for any other name."""
    if match := _NAME.fullmatch(name):
        return date(int(match[1]), int(match[2]), 1)
    detail = "Files are named bars-2026-11.parquet; /files/manifest.json lists them."
    raise Problem(404, "not-found", "Not found", detail)


def _asked_range(request: Request, tag: str, file: BarFile) -> ByteRange | None:
    """Return the range that is asked for, None for the whole file; Problem 416 with the size.

    With If-Range, a range counts only if the client's file is still the same.
    """
    if request.headers.get("if-range", tag) != tag:
        return None
    try:
        return read_range(request.headers.get("range"), file.bytes)
    except UnsatisfiableError:
        detail = f"{file.name} has {file.bytes} bytes."
        headers = {"Content-Range": f"bytes */{file.bytes}", "ETag": tag}
        raise Problem(416, "range-not-satisfiable", "Range not satisfiable", detail, headers=headers) from None
