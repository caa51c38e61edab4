"""Checks and transactions of the endpoints of an account: its permission, and ids in paths."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.errors import ForeignKeyViolation
from starlette.requests import Request

from shared.auth.authenticator import ALERTS, Caller, invalid_token
from shared.connections.postgres import PostgresClient
from shared.http.problem import Problem, bad_parameters

T = TypeVar("T")


def require_alerts(caller: Caller, action: str) -> str:
    """Return the id of the caller's account; Problem 401 or 403 when its token does not permit *action*."""
    caller.require(ALERTS, action)
    assert caller.principal is not None  # noqa: S101
    return caller.principal.user_id


def path_id(request: Request, name: str, unknown: Problem) -> str:
    """Return the id in the path of *request*; *unknown* for text that is not an id."""
    try:
        return str(UUID(request.path_params[name]))
    except ValueError:
        raise unknown from None


def refuse_query(request: Request) -> None:
    """Raise Problem 400 for a request with a query at a path without parameters."""
    if request.scope["query_string"]:
        raise bad_parameters([("", "The query should be empty: this path has no parameters.")])


async def run(postgres: PostgresClient, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Return the result of *work* in a transaction; Problem 401 when the account was deleted meanwhile."""

    async def run_within(connection: AsyncConnection) -> T:
        async with connection.transaction():
            return await work(connection)

    try:
        return await postgres.run(run_within)
    except ForeignKeyViolation:
        raise invalid_token() from None
