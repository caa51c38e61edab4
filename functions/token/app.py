"""Paths of the function: registration, login, and an account's own tokens."""

from starlette.routing import Route

from functions.token.accounts import Accounts
from functions.token.attempts import Attempts
from functions.token.settings import Settings
from functions.token.tokens import Tokens
from shared.auth.authenticator import Authenticator
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.endpoint import Handler, Router, public_endpoint

_WITHOUT_TOKEN = frozenset({"/token", "/users/register"})


def make_handler(settings: Settings) -> Handler:
    """Return the handler of all requests."""
    postgres = PostgresClient(settings)
    redis = RedisClient(settings, postgres)
    authenticator = Authenticator(settings, redis, postgres)
    attempts = Attempts(authenticator.counters, settings.api_token_secret.reveal())
    tokens = Tokens(settings, authenticator, attempts, redis, postgres)
    accounts = Accounts(settings, authenticator, attempts, postgres, tokens)
    router = Router(
        [
            Route("/users/register", accounts.register, methods=["POST"]),
            Route("/users/me", accounts.show),
            Route("/users/me", accounts.delete, methods=["DELETE"]),
            Route("/users/me/password", accounts.change_password, methods=["POST"]),
            Route("/token", accounts.log_in, methods=["POST"]),
            Route("/tokens", tokens.list),
            Route("/tokens", tokens.create, methods=["POST"]),
            Route("/tokens", tokens.revoke_all, methods=["DELETE"]),
            Route("/tokens/{token_id}", tokens.revoke, methods=["DELETE"]),
            Route("/tokens/{token_id}/rotate", tokens.rotate, methods=["POST"]),
        ]
    )
    return public_endpoint(router, authenticator, ignore_token=_WITHOUT_TOKEN)
