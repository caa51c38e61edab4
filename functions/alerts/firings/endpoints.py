"""Endpoints of firings: the firings of an account's rules, their reasons, and the delivery of each message."""

from typing import Any

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.account import path_id, require_alerts, run
from functions.alerts.firings.queries import FiringRow, select_firings
from functions.alerts.firings.query import FiringsQuery, Place, cursor_after
from functions.alerts.firings.text import FiringDetails, explain
from functions.alerts.responses import json_response
from functions.alerts.rules.condition import read_condition
from functions.alerts.rules.endpoints import unknown_alert
from functions.alerts.rules.queries import select_rules
from functions.alerts.rules.sentence import rule_sentence
from shared.auth.authenticator import Caller
from shared.connections.postgres import PostgresClient
from shared.http.query import read_query
from shared.http.response_data import rfc3339


class Firings:
    """Endpoints of an account's firings."""

    def __init__(self, postgres: PostgresClient) -> None:
        self._postgres = postgres

    async def list(self, request: Request, caller: Caller) -> Response:
        """Return the firings of the account, newest first; with an id in the path, those of one rule."""
        user_id = require_alerts(caller, "Listing firings")
        query = read_query(FiringsQuery, request.scope["query_string"])
        rule_id = path_id(request, "alert_id", unknown_alert()) if "alert_id" in request.path_params else None

        async def work(connection: AsyncConnection) -> "list[FiringRow]":
            if rule_id and not await select_rules(connection, user_id, rule_id):
                raise unknown_alert()
            return await select_firings(connection, user_id, rule_id, query)

        rows = await run(self._postgres, work)
        shown = rows[: query.limit]
        more = len(rows) > len(shown)
        cursor = cursor_after(Place(shown[-1].fired_at, shown[-1].firing_id)) if more else None
        items = [_members(row) for row in shown]
        return json_response(200, {"count": len(items), "next_cursor": cursor, "items": items})


def _members(row: FiringRow) -> dict[str, Any]:
    firing = FiringDetails(
        row.kind, row.ticker, row.start, row.end, row.condition, row.revision, row.source, row.price, row.value,
        row.bound, row.detail,
    )  # fmt: skip
    condition = read_condition(row.condition)
    return {
        "id": row.firing_id,
        "alert": row.rule_id,
        "sentence": rule_sentence(condition, row.rule_ticker, row.list_name, row.repeat),
        "kind": row.kind,
        "corrects": row.corrects,
        "corrected": row.is_corrected,
        "text": explain(firing),
        "ticker": row.ticker,
        "bar": {
            "start": rfc3339(row.start),
            "end": rfc3339(row.end),
            "interval": "1h",
            "session": str(row.session),
            "revision": row.revision,
            "source": row.source,
            "link": firing.link,
        },
        "price": row.price,
        "value": row.value,
        "bound": row.bound,
        "fired_at": rfc3339(row.fired_at),
        "deliveries": row.deliveries,
    }
