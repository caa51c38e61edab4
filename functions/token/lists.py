"""Lists of tickers of an account: create, show, change, delete."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from starlette.requests import Request
from starlette.responses import Response

from functions.token.list_queries import (
    TickerList,
    add_tickers,
    delete_list,
    insert_list,
    order_tickers,
    remove_ticker,
    rename_list,
    select_lists,
    touch_list,
)
from functions.token.list_requests import AddTickers, ChangeList, CreateList
from functions.token.request_body import read_json
from functions.token.responses import json_response, no_content
from functions.token.tokens import require_account
from functions.token.user_queries import select_user_for_update
from shared.auth.account_lists import list_name_key, select_list
from shared.auth.authenticator import READ, Caller
from shared.auth.names import parse_name
from shared.connections.postgres import PostgresClient
from shared.http.problem import Problem
from shared.http.response_data import rfc3339
from shared.http.tickers import MAX_TICKERS, find_similar, parse_ticker, resolve, select_renames

_MAX_LISTS = 20
_SHOWN_CHARACTERS = 50

T = TypeVar("T")


class Lists:
    """Endpoints of an account's own lists: the scope read permits reading them, the scope account changing them."""

    def __init__(self, postgres: PostgresClient) -> None:
        self._postgres = postgres

    async def list(self, _: Request, caller: Caller) -> Response:
        """Return the lists of an account with their tickers, by name."""
        user_id = _require_reader(caller)
        found = await self._run(lambda connection: select_lists(connection, user_id))
        return json_response(200, {"count": len(found), "items": [_members(one) for one in found]})

    async def show(self, request: Request, caller: Caller) -> Response:
        """Return one list."""
        user_id, list_id = _require_reader(caller), _parse_id(request)
        return json_response(200, _members(await self._run(lambda connection: _select(connection, user_id, list_id))))

    async def create(self, request: Request, caller: Caller) -> Response:
        """Create a list; Problem 409 with its Location when the account has one of this name."""
        user_id = require_account(caller, "Creating a list")
        body = await read_json(request, CreateList)
        name = parse_name(body.name)

        async def work(connection: AsyncConnection) -> dict[str, Any]:
            await select_user_for_update(connection, user_id)  # serializes the requests of one account
            if len(await select_lists(connection, user_id)) >= _MAX_LISTS:
                raise Problem(409, "too-many-lists", "Too many lists", f"An account has at most {_MAX_LISTS} lists.")
            list_id = await insert_list(connection, user_id, name, list_name_key(name))
            if list_id is None:
                found = await select_list(connection, user_id, name)
                raise _name_taken(name, found and found.list_id)
            refused = await _add(connection, list_id, body.tickers)
            return {**_members(await _select(connection, user_id, list_id)), "refused": refused}

        members = await self._run(work)
        return json_response(201, members, {"Location": f"lists/{members['id']}"})

    async def change(self, request: Request, caller: Caller) -> Response:
        """Rename a list, or reorder its tickers; Problem 409 when its tickers have changed meanwhile."""
        user_id, list_id = require_account(caller, "Changing a list"), _parse_id(request)
        body = await read_json(request, ChangeList)
        name = None if body.name is None else parse_name(body.name)

        async def work(connection: AsyncConnection) -> TickerList:
            before = await _lock(connection, user_id, list_id)
            if name is not None:
                try:
                    await rename_list(connection, list_id, name, list_name_key(name))
                except UniqueViolation:
                    raise _name_taken(name) from None
            if body.tickers is not None:
                if sorted(body.tickers) != sorted(before.tickers):
                    raise _other_tickers()
                await order_tickers(connection, list_id, body.tickers)
            return await _select(connection, user_id, list_id)

        return json_response(200, _members(await self._run(work)))

    async def add(self, request: Request, caller: Caller) -> Response:
        """Add tickers to a list; refused ones are returned with their reasons."""
        user_id, list_id = require_account(caller, "Changing a list"), _parse_id(request)
        body = await read_json(request, AddTickers)

        async def work(connection: AsyncConnection) -> dict[str, Any]:
            await _lock(connection, user_id, list_id)
            refused = await _add(connection, list_id, body.tickers)
            return {**_members(await _select(connection, user_id, list_id)), "refused": refused}

        return json_response(200, await self._run(work))

    async def remove(self, request: Request, caller: Caller) -> Response:
        """Remove a ticker from a list; idempotent, as the request may be repeated."""
        user_id, list_id = require_account(caller, "Changing a list"), _parse_id(request)
        text = f"{request.path_params['ticker']}"

        async def work(connection: AsyncConnection) -> None:
            before = await _lock(connection, user_id, list_id)
            ticker, _ = _resolve(text, dict.fromkeys(before.tickers))
            if ticker:
                await remove_ticker(connection, list_id, ticker)

        await self._run(work)
        return no_content()

    async def delete(self, request: Request, caller: Caller) -> Response:
        """Delete a list."""
        user_id, list_id = require_account(caller, "Deleting a list"), _parse_id(request)
        if not await self._run(lambda connection: delete_list(connection, user_id, list_id)):
            raise _unknown_list()
        return no_content()

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Return the result of *work* in a transaction."""

        async def run(connection: AsyncConnection) -> T:
            async with connection.transaction():
                return await work(connection)

        return await self._postgres.run(run)


async def _select(connection: AsyncConnection, user_id: str, list_id: str) -> TickerList:
    found = await select_lists(connection, user_id, list_id)
    if not found:
        raise _unknown_list()
    return found[0]


async def _lock(connection: AsyncConnection, user_id: str, list_id: str) -> TickerList:
    """Return the list, locked against changes until the transaction ends; Problem 404."""
    if not await touch_list(connection, user_id, list_id):
        raise _unknown_list()
    return await _select(connection, user_id, list_id)


async def _add(connection: AsyncConnection, list_id: str, names: Sequence[str]) -> list[dict[str, str]]:
    """Add the tickers *names* and return the refused ones with their reasons; Problem 409 when the list is full."""
    renames = await select_renames(connection) if names else {}
    found = {name: _resolve(name, renames) for name in names}
    tickers = dict.fromkeys(ticker for ticker, _ in found.values() if ticker)
    if await add_tickers(connection, list_id, list(tickers)) > MAX_TICKERS:
        raise Problem(409, "list-full", "List full", f"A list has at most {MAX_TICKERS} tickers. Nothing was added.")
    return [{"ticker": name[:_SHOWN_CHARACTERS], "reason": reason} for name, (_, reason) in found.items() if reason]


def _resolve(name: str, renames: dict[str, str | None]) -> tuple[str | None, str]:
    """Return the ticker for *name*, or the reason for refusing it."""
    try:
        ticker = resolve(parse_ticker(name.strip()), renames)
    except ValueError as error:
        return None, str(error)
    if ticker:
        return ticker, ""
    near = find_similar(name.upper(), renames)
    return None, "is not tracked here" + (f": did you mean {' or '.join(near)}?" if near else "")


def _require_reader(caller: Caller) -> str:
    """Return the id of the caller's account; Problem 401 or 403 without the scope read."""
    caller.require(READ, "Reading a list")
    assert caller.principal is not None  # noqa: S101
    return caller.principal.user_id


def _parse_id(request: Request) -> str:
    try:
        return str(UUID(request.path_params["list_id"]))
    except ValueError:
        raise _unknown_list() from None


def _members(row: TickerList) -> dict[str, Any]:
    return {
        "id": row.list_id,
        "name": row.name,
        "count": len(row.tickers),
        "tickers": row.tickers,
        "created_at": rfc3339(row.created_at),
        "changed_at": rfc3339(row.changed_at),
    }


def _unknown_list() -> Problem:
    return Problem(404, "unknown-list", "Unknown list", "The account has no such list. /lists shows its lists.")


def _name_taken(name: str, list_id: str | None = None) -> Problem:
    headers = {"Location": f"lists/{list_id}"} if list_id else {}
    detail = f"The account has a list named {name}. Add tickers to it, or choose another name."
    return Problem(409, "name-taken", "Name taken", detail, headers=headers)


def _other_tickers() -> Problem:
    detail = (
        "tickers should be the tickers of the list in another order. It has changed, perhaps on another device: "
        "load it again."
    )
    return Problem(409, "list-changed", "List changed", detail)
