"""Authentication for functions that read: by token as in all functions, or by a link to the path of the request."""

from starlette.types import Scope

from shared.auth.authenticator import Authenticator, AuthSettings, Caller, Headers
from shared.auth.links import identify, is_link, is_reading, select_link_principal, take_secret
from shared.auth.rate_limit import RawHeaders
from shared.auth.token_lookup import Principal, TokenLookup
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.problem import Problem


class LinkAuthenticator(Authenticator):
    """Authenticator that also knows links; a request by link counts as one by its token."""

    def __init__(self, settings: AuthSettings, redis: RedisClient, postgres: PostgresClient) -> None:
        super().__init__(settings, redis, postgres)
        self._links = TokenLookup(settings.api_token_secret.reveal(), redis, postgres, select_link_principal)

    async def authenticate(self, scope: Scope, headers: Headers) -> tuple[Caller, RawHeaders]:
        """Return the caller and the rate limit headers of its response; Problem 401, 403, 429, 503.

        The secret of a link is removed from the query of *scope*. It takes precedence over a token in the headers.
        """
        secret = take_secret(scope) if b"link=" in scope["query_string"] else None
        if secret is None:
            return await super().authenticate(scope, headers)
        reads = bool(secret) and scope["method"] in ("GET", "HEAD") and is_reading(scope["path"])
        key = identify(secret, scope["path"], scope["query_string"]) if reads else None
        caller = await self._verify(key, self.client_address(scope, headers), invalid_link)
        return caller, await caller.rate_limit.acquire()

    async def _find(self, key: bytes) -> Principal | None:
        return await (self._links if is_link(key) else self._tokens).get(key)


def invalid_link() -> Problem:
    """Return the 403 for an invalid link, whatever the reason."""
    detail = (
        "The link is not valid for this path: it was revoked, has expired, or belongs to another path or other "
        "parameters. GET /links lists those of the account."
    )
    return Problem(403, "invalid-link", "Invalid link", detail)
