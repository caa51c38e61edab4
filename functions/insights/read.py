"""GET /insights: reads what was written and nothing else, as every market answer is read and kept."""

from datetime import datetime, timedelta
from pathlib import Path

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.insights.question import Asked, cursor_before, read_asked
from functions.insights.settings import Settings
from functions.insights.told import has_ticker, select_told
from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller
from shared.cache.market_version import MarketVersion
from shared.cache.response_cache import CachedQuery, ResponseCache, code_version
from shared.calendar.queries import select_calendar
from shared.calendar.trading import EXCHANGE_ZONE
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import public_endpoint
from shared.http.problem import Problem
from shared.http.response_data import ResponseData, json_body, rfc3339, source_of
from shared.http.router import Router
from shared.runtime import clock

PATH = "/insights"
_DEFINITION = (
    "Every figure of a sentence is one of its facts: template has their slots. A fact is computed from the bars it "
    "names, which link asks for below the root of this API; docs/insights.md says how, by metric and basis. superseded "
    "is true where those bars have changed since; missing lists tickers that had no bar when the hour was told of."
)


class Reading:
    """What one process keeps between requests; nothing that another would miss."""

    def __init__(self, settings: Settings, postgres: PostgresClient, redis: RedisClient) -> None:
        self._postgres = postgres
        self._grace = timedelta(seconds=settings.bar_grace_seconds)
        self._cache = ResponseCache(redis, MarketVersion(postgres, redis), code_version(Path(__file__)))
        gate = Authenticator(settings, redis, postgres)
        routes = [Route(path, self._answer) for path in (PATH, f"{PATH}/")]
        self.answer = public_endpoint(Router(routes, f"Insights are at {PATH}."), gate)

    async def _answer(self, request: Request, _: Caller) -> Response:
        """Return what is asked for; Problem 400, 503."""
        asked = read_asked(request.scope["query_string"])
        is_common = not request.scope["query_string"]
        query = CachedQuery(f"{PATH} {asked}", lambda _: self._find(asked), is_common)
        prepared = await self._cache.get(query.text, query)
        return prepared.response(dict(request.scope["headers"]))

    async def _find(self, asked: Asked) -> ResponseData:
        async def work(connection: AsyncConnection) -> ResponseData:
            if asked.ticker and not await has_ticker(connection, asked.ticker):
                what = f"{asked.ticker}: no such ticker here. /tickers lists those there are."
                raise Problem(404, "unknown-ticker", "Unknown ticker", what)
            return await answer_insights(connection, asked, await self._due(connection))

        return await self._postgres.run(work)

    async def _due(self, connection: AsyncConnection) -> datetime | None:
        """Return when the next hour may be told of."""
        now = clock.now()
        market = await select_calendar(connection, now - timedelta(days=1), now + timedelta(days=10))
        return market.next_due("1h", now, self._grace)


async def answer_insights(connection: AsyncConnection, asked: Asked, due: datetime | None) -> ResponseData:
    """Return the hours that are *asked* for, newest first, each with its insights."""
    told = await select_told(connection, asked)
    goes_on = told.oldest if told.more else None
    members = {
        "count": told.count,
        "as_of": told.newest_end and rfc3339(told.newest_end),
        "source": source_of(told.sources),
        "sources": told.sources,
        "stale": False,
        "exchange_tz": EXCHANGE_ZONE.key,
        "definition": _DEFINITION,
        "next_cursor": goes_on and cursor_before(goes_on),
    }
    links = (("Link", f'<?{asked.after(goes_on)}>; rel="next"'),) if goes_on else ()
    return ResponseData(json_body(members, told.text), next_update_at=due, headers=links)
