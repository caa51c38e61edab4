"""Paths of the function: registration, login, and an account's own tokens, links and lists."""

from collections.abc import Callable, Collection, Coroutine, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from functions.token.accounts import Accounts
from functions.token.links import Links
from functions.token.lists import Lists
from functions.token.request_body import read_query
from functions.token.settings import Settings
from functions.token.tokens import REVOCATION, Tokens
from shared.auth.attempts import Attempts
from shared.auth.authenticator import Authenticator, Caller
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import Handler, Router, public_endpoint

NO_QUERY: Mapping[str, Collection[str]] = {}
Endpoint = Callable[[Request, Caller], Coroutine[None, None, Response]]

_WITHOUT_TOKEN = frozenset({"/token", "/users/register"})


def make_handler(settings: Settings) -> Handler:
    """Return the handler of all requests."""
    postgres = PostgresClient(settings)
    redis = RedisClient(settings, postgres)
    authenticator = Authenticator(settings, redis, postgres)
    attempts = Attempts(authenticator.counters, settings.api_token_secret.reveal())
    tokens = Tokens(settings, authenticator, attempts, redis, postgres)
    accounts = Accounts(settings, authenticator, attempts, postgres, tokens)
    lists = Lists(postgres)
    links = Links(settings, authenticator, attempts, redis, postgres, tokens)
    router = Router(
        [
            _route("POST", "/users/register", accounts.register),
            _route("GET", "/users/me", accounts.show),
            _route("DELETE", "/users/me", accounts.delete),
            _route("POST", "/users/me/password", accounts.change_password),
            _route("POST", "/token", accounts.log_in),
            _route("GET", "/tokens", tokens.list),
            _route("POST", "/tokens", tokens.create),
            _route("DELETE", "/tokens", tokens.revoke_all, REVOCATION),
            _route("DELETE", "/tokens/{token_id}", tokens.revoke),
            _route("POST", "/tokens/{token_id}/rotate", tokens.rotate),
            _route("GET", "/links", links.list),
            _route("POST", "/links", links.create),
            _route("DELETE", "/links/{link_id}", links.revoke),
            _route("GET", "/lists", lists.list),
            _route("POST", "/lists", lists.create),
            _route("GET", "/lists/{list_id}", lists.show),
            _route("PATCH", "/lists/{list_id}", lists.change),
            _route("DELETE", "/lists/{list_id}", lists.delete),
            _route("POST", "/lists/{list_id}/tickers", lists.add),
            _route("DELETE", "/lists/{list_id}/tickers/{ticker:path}", lists.remove),
        ]
    )
    return public_endpoint(router, authenticator, ignore_token=_WITHOUT_TOKEN)


def _route(method: str, path: str, endpoint: Endpoint, query: Mapping[str, Collection[str]] = NO_QUERY) -> Route:
    """Return the route to *endpoint*; Problem 400 for parameters that are not those of *query*."""

    async def respond(request: Request, caller: Caller) -> Response:
        read_query(request, query)
        return await endpoint(request, caller)

    return Route(path, respond, methods=[method])
