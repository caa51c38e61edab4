"""Endpoints of rules: list, create, show, change, delete."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from msgspec import UNSET
from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.alerts.account import path_id, refuse_query, require_alerts, run
from functions.alerts.channels.queries import select_channel_ids
from functions.alerts.evaluation.results import lock_evaluation
from functions.alerts.responses import json_response, no_content
from functions.alerts.rules.condition import EVERY_TICKER, Condition, find_faults
from functions.alerts.rules.queries import (
    NewRule,
    RuleRow,
    count_rules,
    delete_rule,
    insert_rule,
    is_own_list,
    lock_account,
    select_rules,
    update_rule,
)
from functions.alerts.rules.requests import ChangeAlert, CreateAlert, exact_decimal
from functions.alerts.rules.sentence import rule_sentence
from functions.alerts.settings import Settings
from shared.auth.account_lists import select_list
from shared.auth.authenticator import Caller
from shared.connections.postgres import PostgresClient
from shared.http.json_body import read_json
from shared.http.problem import Problem, bad_parameters
from shared.http.response_data import rfc3339
from shared.http.tickers import parse_ticker, resolve, select_renames, unknown_ticker
from shared.runtime import clock

_AFRESH = ("ticker", "list_id", "direction", "basis", "span", "amount", "repeat")
"""Parts of a rule that make it another one when they change."""
_CONDITION = _AFRESH[2:]
_NO_LIST = "should be the id or the name of a list of the account, see /lists"


class Rules:
    """Endpoints of an account's own rules."""

    def __init__(self, settings: Settings, postgres: PostgresClient) -> None:
        self._most = settings.alerts_max_rules
        self._most_channels = settings.alerts_max_channels
        self._postgres = postgres

    async def list(self, request: Request, caller: Caller) -> Response:
        """Return the rules of the account, oldest first."""
        refuse_query(request)
        user_id = require_alerts(caller, "Listing alerts")
        rows = await run(self._postgres, lambda connection: select_rules(connection, user_id))
        return json_response(200, {"count": len(rows), "limit": self._most, "items": [_members(row) for row in rows]})

    async def create(self, request: Request, caller: Caller) -> Response:
        """Create a rule, which is evaluated against bars that end from now on."""
        refuse_query(request)
        user_id = require_alerts(caller, "Creating an alert")
        body = await read_json(request, CreateAlert)
        amount = exact_decimal(body.amount)
        _check(Condition(body.kind, body.direction, body.basis, body.span, amount))
        channels, ticker, list_id = self._channels(body.channels), *_subject(body.ticker, body.list)

        async def work(connection: AsyncConnection) -> RuleRow:
            await lock_account(connection, user_id)
            if await count_rules(connection, user_id) >= self._most:
                detail = f"An account has at most {self._most} alerts. Delete some first."
                raise Problem(409, "too-many-alerts", "Too many alerts", detail)
            rule = NewRule(
                await _find_ticker(connection, ticker), await _own_list(connection, user_id, list_id), body.kind,
                body.direction, body.basis, body.span, amount, body.repeat,
                await _own_channels(connection, user_id, channels), paused=False,
            )  # fmt: skip
            rule_id = await insert_rule(connection, user_id, rule, clock.now())
            return (await select_rules(connection, user_id, rule_id))[0]

        row = await run(self._postgres, work)
        return json_response(201, _members(row), {"Location": f"alerts/{row.rule_id}"})

    async def show(self, request: Request, caller: Caller) -> Response:
        """Return one rule."""
        refuse_query(request)
        user_id = require_alerts(caller, "Reading an alert")
        rule_id = path_id(request, "alert_id", unknown_alert())
        rows = await run(self._postgres, lambda connection: select_rules(connection, user_id, rule_id))
        if not rows:
            raise unknown_alert()
        return json_response(200, _members(rows[0]))

    async def change(self, request: Request, caller: Caller) -> Response:
        """Change parts of a rule, pause it, or make it active again."""
        refuse_query(request)
        user_id = require_alerts(caller, "Changing an alert")
        rule_id = path_id(request, "alert_id", unknown_alert())
        body = await read_json(request, ChangeAlert)
        channels = body.channels if body.channels is UNSET else self._channels(body.channels)
        ticker, list_id = None, None
        given_subject = body.ticker is not UNSET or body.list is not UNSET
        if given_subject:
            ticker, list_id = _subject(body.ticker or None, body.list or None)

        async def work(connection: AsyncConnection) -> RuleRow:
            # Evaluation sees the rule before or after the change. Locked first, since evaluation locks accounts too.
            await lock_evaluation(connection)
            await lock_account(connection, user_id)
            rows = await select_rules(connection, user_id, rule_id)
            if not rows:
                raise unknown_alert()
            before = _stated(rows[0])
            given = {name: getattr(body, name) for name in _CONDITION if getattr(body, name) is not UNSET}
            if body.amount is not UNSET:
                given["amount"] = exact_decimal(body.amount)
            if given_subject:
                given["ticker"] = await _find_ticker(connection, ticker)
                given["list_id"] = await _own_list(connection, user_id, list_id)
            if channels is not UNSET:
                given["channel_ids"] = await _own_channels(connection, user_id, channels)
            if body.state is not UNSET:
                given["paused"] = body.state == "paused"
            after = replace(before, **given)
            _check(Condition(rows[0].kind, after.direction, after.basis, after.span, after.amount))
            resumed = body.state == "active" and (before.paused or rows[0].is_done)
            afresh = resumed or any(getattr(after, name) != getattr(before, name) for name in _AFRESH)
            await update_rule(connection, user_id, rule_id, after, clock.now(), afresh=afresh)
            return (await select_rules(connection, user_id, rule_id))[0]

        return json_response(200, _members(await run(self._postgres, work)))

    async def delete(self, request: Request, caller: Caller) -> Response:
        """Delete a rule with its firings."""
        refuse_query(request)
        user_id = require_alerts(caller, "Deleting an alert")
        rule_id = path_id(request, "alert_id", unknown_alert())

        async def work(connection: AsyncConnection) -> bool:
            await lock_evaluation(connection)
            return await delete_rule(connection, user_id, rule_id)

        if not await run(self._postgres, work):
            raise unknown_alert()
        return no_content()

    def _channels(self, given: "list[str] | None") -> "list[str] | None":
        """Return the ids in *given*, each once; Problem 400 for too many or an invalid one."""
        if given is None:
            return None
        if len(given) > self._most_channels:
            raise bad_parameters([("channels", f"should list at most {self._most_channels} ids")])
        try:
            return list(dict.fromkeys(str(UUID(one)) for one in given))
        except ValueError:
            raise bad_parameters([("channels", "should list ids of channels, see /alerts/channels")]) from None


def unknown_alert() -> Problem:
    """Return the 404 for an alert that the account does not have."""
    detail = "The account has no such alert. /alerts lists its alerts."
    return Problem(404, "unknown-alert", "Unknown alert", detail)


def _check(condition: Condition) -> None:
    if faults := list(find_faults(condition)):
        raise bad_parameters(faults)


def _subject(ticker: str | None, list_id: str | None) -> tuple[str | None, str | None]:
    """Return the ticker and the list that a rule is about, None and None for every ticker; Problem 400 for both."""
    if ticker is not None and list_id is not None:
        raise bad_parameters([("list", "cannot be combined with ticker")])
    if list_id is None:
        if ticker is None:
            raise bad_parameters([("ticker", "is missing: an alert needs ticker or list")])
        return _parse_subject_ticker(ticker), None
    return None, list_id


async def _own_list(connection: AsyncConnection, user_id: str, given: str | None) -> str | None:
    """Return the id of the account's list with the id or the name that is *given*; Problem 400 without one."""
    if given is None:
        return None
    try:
        list_id = str(UUID(given))
    except ValueError:
        found = await select_list(connection, user_id, given)
        list_id = found.list_id if found else None
    if list_id is None or not await is_own_list(connection, user_id, list_id):
        raise bad_parameters([("list", _NO_LIST)])
    return list_id


def _parse_subject_ticker(ticker: str) -> str | None:
    """Return *ticker* in capitals, None for every ticker; Problem 400."""
    if ticker == EVERY_TICKER:
        return None
    try:
        return parse_ticker(ticker)
    except ValueError as error:
        raise bad_parameters([("ticker", f"{error}, or {EVERY_TICKER} for every tracked stock")]) from None


async def _find_ticker(connection: AsyncConnection, ticker: str | None) -> str | None:
    """Return the current name of *ticker*; Problem 404."""
    if ticker is None:
        return None
    renames = await select_renames(connection)
    found = resolve(ticker, renames)
    if found is None:
        raise unknown_ticker(ticker, known=renames)
    return found


async def _own_channels(connection: AsyncConnection, user_id: str, channels: "list[str] | None") -> "list[str] | None":
    """Return *channels*; Problem 400 unless all belong to the account."""
    if channels and (strangers := set(channels) - set(await select_channel_ids(connection, user_id))):
        detail = f"lists {min(strangers)}, which is not a channel of the account, see /alerts/channels"
        raise bad_parameters([("channels", detail)])
    return channels


def _stated(row: RuleRow) -> NewRule:
    return NewRule(
        row.ticker,
        row.list_id,
        row.kind,
        row.direction,
        row.basis,
        row.span,
        row.amount,
        row.repeat,
        row.channel_ids,
        row.paused,
    )


def _members(row: RuleRow) -> dict[str, Any]:
    return {
        "id": row.rule_id,
        "sentence": rule_sentence(row.condition, row.ticker, row.list_name, row.repeat),
        "ticker": None if row.list_id else row.ticker or EVERY_TICKER,
        "list": row.list_id,
        **row.condition.parts(),
        "repeat": row.repeat,
        "channels": row.channel_ids,
        "state": "paused" if row.paused else "done" if row.is_done else "active",
        "created_at": rfc3339(row.created_at),
        "changed_at": rfc3339(row.changed_at),
        "fired": row.fired,
        "last_fired_at": row.last_fired_at and rfc3339(row.last_fired_at),
    }
