"""Caller: a token or a client address, its permissions, and how long they hold without another look-up."""

import math
from collections.abc import Callable

from shared.auth.rate_limit import RateLimit, RawHeaders
from shared.auth.token_lookup import Principal
from shared.http.problem import Problem

READ, ACCOUNT = "read", "account"
SCOPES = {
    READ: "the whole history and the exports",
    ACCOUNT: "see, make and revoke the tokens of the account, and delete it",
}
_FRESH_SECONDS = 0.9
_REFRESH_AFTER_SECONDS = 0.5


class Caller:
    """Sender of requests as this process last saw it; *principal* is None without a token."""

    __slots__ = ("_fresh_until", "_refresh", "_refresh_at", "can_read_history", "principal", "rate_limit",
                 "use_recorded_at", "verified_at")  # fmt: skip

    def __init__(
        self, rate_limit: RateLimit, principal: Principal | None = None, refresh: Callable[[], None] | None = None
    ) -> None:
        """*refresh* starts another look-up of the token in the background."""
        self.rate_limit = rate_limit
        self.principal = principal
        self.can_read_history = self.has_scope(READ)
        self.verified_at = self.use_recorded_at = -math.inf
        self._refresh = refresh
        self._refresh_at = self._fresh_until = math.inf

    def has_scope(self, scope: str) -> bool:
        """Whether the token carries *scope*."""
        return self.principal is not None and scope in self.principal.scopes

    def require(self, scope: str, what: str) -> None:
        """Problem 401 or 403 unless the token carries *scope*; *what* is the subject of the sentence."""
        if self.principal is None:
            detail = f"{what} needs a token. Register at /users/register and log in at /token."
            raise _refusal(401, "token-needed", "Token needed", detail, "")
        if scope not in self.principal.scopes:
            detail = f"{what} needs a token with the scope {scope}."
            error = f', error="insufficient_scope", scope="{scope}"'
            raise _refusal(403, "insufficient-scope", "Insufficient scope", detail, error)

    def cache_until(self, asked_at: float, now: float, expires_in: float) -> None:
        """Keep the result of a look-up that began at *asked_at* (monotonic, seconds) for a moment."""
        self._fresh_until = min(asked_at + _FRESH_SECONDS, now + expires_in)
        self._refresh_at = min(asked_at + _REFRESH_AFTER_SECONDS, self._fresh_until)

    def is_fresh(self, now: float) -> bool:
        """Whether no look-up is needed before the next request is served."""
        return now < self._fresh_until

    def try_acquire(self, now: float) -> RawHeaders | None:
        """Count one request and return its rate limit headers; None when a look-up or a lease is needed first."""
        if now >= self._refresh_at:
            if now >= self._fresh_until:
                return None
            self._refresh_at = self._fresh_until
            if self._refresh:
                self._refresh()
        return self.rate_limit.try_acquire(now)


def _refusal(status: int, kind: str, title: str, detail: str, error: str) -> Problem:
    return Problem(status, kind, title, detail, headers={"WWW-Authenticate": f'Bearer realm="stocksalot"{error}'})


def invalid_token() -> Problem:
    """Return the 401 for an invalid token, whatever the reason."""
    detail = (
        "The token is invalid: it was revoked, has expired, or is incomplete. "
        "Without an Authorization header you get what is open to everybody."
    )
    return _refusal(401, "invalid-token", "Invalid token", detail, ', error="invalid_token"')


def unverifiable() -> Problem:
    """Return the 503 for a token that cannot be looked up."""
    detail = "The token cannot be checked because neither the database nor the cache responds. Try again in 5 s."
    return Problem(503, "token-unverifiable", "Token cannot be checked", detail, headers={"Retry-After": "5"})
