"""Endpoints GET /insights and its feeds: read stored insights, with the cache and headers of every market answer."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.insights.reading.absence import explain_insights
from functions.insights.reading.parameters import InsightsQuery, cursor_before
from functions.insights.reading.queries import select_hours
from functions.insights.settings import Settings
from shared.auth.account_lists import AccountList, find_list
from shared.auth.authenticator import Caller
from shared.auth.link_authenticator import LinkAuthenticator
from shared.cache.cached_response import CacheScope
from shared.cache.market_version import MarketVersion
from shared.cache.response_cache import CachedQuery, ResponseCache, code_version
from shared.calendar.trading import EXCHANGE_ZONE, select_calendar
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import Router, public_endpoint
from shared.http.public_address import public_address
from shared.http.query import read_query
from shared.http.response_data import ResponseData, json_body, reason_until, rfc3339, source_of
from shared.http.tickers import resolve, select_renames, unknown_ticker
from shared.runtime import clock

if TYPE_CHECKING:
    from functions.insights.feeds.parameters import FeedQuery

PATH = "/insights"
FEED_PATHS: dict[str, Literal["atom", "json"]] = {f"{PATH}/feed.atom": "atom", f"{PATH}/feed.json": "json"}
_DEFINITION = (
    "Every figure of a sentence is one of its facts: template has their slots. A fact is computed from the bars it "
    "names, which link returns below the root of this API; docs/insights.md says how, by metric and basis. window is "
    "the span that a figure covers, left_out the tracked tickers that lack a bar for it. superseded is true where bars "
    "have changed since; missing lists tickers that had no bar of the hour when it was written; left_out of an hour "
    "lists those whose bars are on two scales (split), or of two sources with different prices (source-changed). "
    "significance is the size of the facts against the usual: 1 is an ordinary day."
)

Q = TypeVar("Q", "InsightsQuery", "FeedQuery")


class InsightsEndpoint:
    """The endpoint with its response cache."""

    def __init__(self, settings: Settings, postgres: PostgresClient, redis: RedisClient) -> None:
        self._settings = settings
        self._postgres = postgres
        self._grace = timedelta(seconds=settings.bar_grace_seconds)
        self._cache = ResponseCache(redis, MarketVersion(postgres, redis), code_version(Path(__file__)))
        authenticator = LinkAuthenticator(settings, redis, postgres)
        routes = [Route(path, self._answer) for path in (PATH, f"{PATH}/")]
        routes += [Route(path, self._answer_feed) for path in FEED_PATHS]
        hint = f"Insights are at {PATH}, their feeds at {' and '.join(FEED_PATHS)}."
        self.answer = public_endpoint(Router(routes, hint), authenticator)

    async def _answer(self, request: Request, caller: Caller) -> Response:
        """Return the hours that the query asks for; Problem 400, 404, 503, and with a list 401 or 403."""
        wanted = read_query(InsightsQuery, request.scope["query_string"])
        is_common = not request.scope["query_string"]
        own_list = await self._find_list(wanted.list, caller)
        text = f"{PATH} {wanted} {own_list or ''}"
        query = CachedQuery(
            text, lambda _: self._find(wanted, own_list), is_common, _scope(own_list), caller=id(caller)
        )
        prepared = await self._cache.get(query.text, query)
        return prepared.response(dict(request.scope["headers"]))

    async def _answer_feed(self, request: Request, caller: Caller) -> Response:
        """Return the feed that the query asks for; Problem 400, 404, 503, and with a list 401 or 403."""
        # Loaded late: readers of /insights need neither its code nor the writer of XML.
        from functions.insights.feeds.feed import CODE, answer_feed
        from functions.insights.feeds.parameters import FeedQuery

        form = FEED_PATHS[request.scope["path"]]
        headers = dict(request.scope["headers"])
        wanted, root = read_query(FeedQuery, request.scope["query_string"]), public_address(self._settings, headers)
        own_list = await self._find_list(wanted.list, caller)

        async def work(connection: AsyncConnection) -> ResponseData:
            query, known_list = await _resolve(connection, wanted, own_list)
            due = await self._due(connection)
            return await answer_feed(connection, query, known_list, form, root, due, self._grace)

        # An address of the request is whatever its sender wrote: only a configured one is common.
        is_common = bool(self._settings.public_url) and not request.scope["query_string"]
        text = f"{CODE} {form} {root} {wanted} {own_list or ''}"
        run = self._postgres.run
        query = CachedQuery(text, lambda _: run(work), is_common, _scope(own_list), caller=id(caller))
        prepared = await self._cache.get(query.text, query)
        if own_list is None:  # a list may change, and the date of its newest entry stay the same
            headers = _with_date(headers, prepared.cached.data.headers)
        return prepared.response(headers)

    async def _find_list(self, name: str | None, caller: Caller) -> AccountList | None:
        """Return the list of the caller's account, None where the query names none; Problem 401, 403, 404."""
        return None if name is None else await find_list(self._postgres, caller, name)

    async def _find(self, wanted: InsightsQuery, own_list: AccountList | None) -> ResponseData:
        async def work(connection: AsyncConnection) -> ResponseData:
            query, known_list = await _resolve(connection, wanted, own_list)
            return await answer_insights(connection, query, known_list, await self._due(connection), self._grace)

        return await self._postgres.run(work)

    async def _due(self, connection: AsyncConnection) -> datetime | None:
        """Return when the next hour is due."""
        now = clock.now()
        market = await select_calendar(connection, now - timedelta(days=1), now + timedelta(days=10))
        return market.next_due("1h", now, self._grace)


def _with_date(headers: dict[bytes, bytes], known: Iterable[tuple[str, str]]) -> dict[bytes, bytes]:
    """Return *headers* with an If-None-Match for a reader that has no ETag but sends the Last-Modified it was given."""
    since = headers.get(b"if-modified-since")
    if since is None or b"if-none-match" in headers or since.decode("latin-1") != dict(known)["Last-Modified"]:
        return headers
    return {**headers, b"if-none-match": b"*"}


def _scope(own_list: AccountList | None) -> CacheScope:
    """Return who may keep the response: a list may change at any moment."""
    return CacheScope.REVALIDATED if own_list else CacheScope.ALL


async def _resolve(
    connection: AsyncConnection, wanted: Q, own_list: AccountList | None
) -> tuple[Q, AccountList | None]:
    """Return *wanted* and *own_list* with tickers as they are called today; Problem 404 for the one of *wanted*."""
    if not wanted.ticker and not own_list:
        return wanted, None
    renames = await select_renames(connection)
    if own_list:
        known = dict.fromkeys(resolve(one, renames) or one for one in own_list.tickers)
        return wanted, own_list._replace(tickers=tuple(known))
    ticker = resolve(f"{wanted.ticker}", renames)
    if ticker is None:
        raise unknown_ticker(f"{wanted.ticker}", known=renames)
    return replace(wanted, ticker=ticker), None


async def answer_insights(
    connection: AsyncConnection,
    wanted: InsightsQuery,
    own_list: AccountList | None,
    due: datetime | None,
    grace: timedelta,
) -> ResponseData:
    """Return the hours that are *wanted*, newest first, each with its insights."""
    rows = await select_hours(connection, wanted, wanted.tickers(own_list))
    goes_on = rows.oldest if rows.more else None
    reason = None if rows.count else await explain_insights(connection, wanted, due, grace)
    members = {
        "count": rows.count,
        "as_of": rows.newest_end and rfc3339(rows.newest_end),
        "source": source_of(rows.sources),
        "sources": rows.sources,
        "stale": False,
        "exchange_tz": EXCHANGE_ZONE.key,
        "reason": reason,
        "definition": _DEFINITION,
        "next_cursor": goes_on and cursor_before(goes_on),
    }
    links = (("Link", f'<?{wanted.after(goes_on)}>; rel="next"'),) if goes_on else ()
    return ResponseData(
        json_body(members, rows.text), valid_until=reason_until(reason), next_update_at=due, headers=links
    )
