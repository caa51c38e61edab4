"""Which path does what: registering, logging in, and an account's own tokens."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from functions.token.accounts import Accounts
from functions.token.attempts import Attempts
from functions.token.settings import Settings
from functions.token.tokens import Tokens
from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.cors import Cors
from shared.http.endpoint import endpoint
from shared.http.problem import Problem

_ANY = "GET, HEAD, POST, DELETE, OPTIONS"
"""What a page may try at a path that is none, to be told so."""
_WITHOUT_TOKEN = frozenset({"/token", "/users/register"})

Action = Callable[[Request, Caller], Awaitable[Response]]


class Service:
    """Everything that one process keeps between requests; nothing that another would miss."""

    def __init__(self, settings: Settings) -> None:
        redis, postgres = RedisClient(settings), PostgresClient(settings)
        gate = Authenticator(settings, redis, postgres)
        attempts = Attempts(gate.counters, settings.api_token_secret.reveal())
        self._tokens = Tokens(settings, redis, postgres)
        self._accounts = Accounts(settings, gate, attempts, postgres, self._tokens)
        cors = Cors(settings.cors_origins)
        self.answer = endpoint(gate, cors, self._allowed, self._work, without_token=_WITHOUT_TOKEN)

    async def _work(self, request: Request, caller: Caller) -> Response:
        actions = self._actions(request.scope["path"])
        if actions is None:
            raise Problem(404, "not-found", "Not found", "There is nothing at this path.")
        action = actions.get("GET" if request.method == "HEAD" else request.method)
        if action is None:
            allowed = self._allowed(request.scope["path"])
            what = f"{request.method} is not possible here: only {allowed}."
            raise Problem(405, "method-not-allowed", "Method not allowed", what, headers={"Allow": allowed})
        try:
            return await action(request, caller)
        except UnavailableError as error:
            detail = "The database does not answer. Try again in a few seconds."
            retry = {"Retry-After": "5"}
            raise Problem(503, "database-unavailable", "Data unavailable", detail, headers=retry) from error

    def _allowed(self, path: str) -> str:
        actions = self._actions(path)
        if actions is None:
            return _ANY
        return ", ".join([*actions, *(["HEAD"] if "GET" in actions else []), "OPTIONS"])

    def _actions(self, path: str) -> dict[str, Action] | None:
        """Return what can be done at *path*, by method; None when there is nothing there."""
        accounts, tokens = self._accounts, self._tokens
        match path.split("/")[1:]:
            case ["users", "register"]:
                return {"POST": accounts.register}
            case ["users", "me"]:
                return {"GET": accounts.show, "DELETE": accounts.delete}
            case ["users", "me", "password"]:
                return {"POST": accounts.change_password}
            case ["token"]:
                return {"POST": accounts.log_in}
            case ["tokens"]:
                return {"GET": tokens.list, "POST": tokens.create}
            case ["tokens", token_id] if token_id:
                return {"DELETE": lambda _, caller: tokens.revoke(caller, token_id)}
            case ["tokens", token_id, "rotate"]:
                return {"POST": lambda request, caller: tokens.rotate(request, caller, token_id)}
        return None
