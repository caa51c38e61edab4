"""A caller: a token or a client address, with what it may do and how long that is believed."""

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
_BELIEVED_SECONDS = 0.9
_LOOKED_UP_AGAIN_SECONDS = 0.5


class Caller:
    """One who asks, as this process has lately seen them; *principal* None: known by a client address only."""

    __slots__ = ("_look_up", "_soon", "_until", "noted_at", "principal", "quota", "reads", "seen_at")

    def __init__(
        self, quota: RateLimit, principal: Principal | None = None, look_up: Callable[[], None] | None = None
    ) -> None:
        """*look_up* has a token looked up anew in the background."""
        self.quota = quota
        self.principal = principal
        self.reads = self.may(READ)
        self.seen_at = self.noted_at = -math.inf
        self._look_up = look_up
        self._soon = self._until = math.inf

    def may(self, scope: str) -> bool:
        """Tell whether the token carries *scope*."""
        return self.principal is not None and scope in self.principal.scopes

    def require(self, scope: str, what: str) -> None:
        """Let a token that carries *scope* pass; Problem 401 or 403 that says that *what* needs one."""
        if self.principal is None:
            raise _refusal(401, "token-needed", "Token needed", f"{what}: this needs a token. See /users/register.", "")
        if scope not in self.principal.scopes:
            detail = f"{what}: this needs a token with the scope {scope}."
            error = f', error="insufficient_scope", scope="{scope}"'
            raise _refusal(403, "insufficient-scope", "Insufficient scope", detail, error)

    def believe(self, asked_at: float, now: float, expires_in: float) -> None:
        """Believe for a moment what a question that was asked at *asked_at* (monotonic, seconds) has found."""
        self._until = min(asked_at + _BELIEVED_SECONDS, now + expires_in)
        self._soon = min(asked_at + _LOOKED_UP_AGAIN_SECONDS, self._until)

    def is_believed(self, now: float) -> bool:
        """Tell whether it need not be looked up before it is served."""
        return now < self._until

    def take(self, now: float) -> RawHeaders | None:
        """Count one request without asking anybody and return its header lines; None when somebody must be asked."""
        if now >= self._soon:
            if now >= self._until:
                return None
            self._soon = self._until
            if self._look_up:
                self._look_up()
        return self.quota.take(now)


def _refusal(status: int, kind: str, title: str, detail: str, error: str) -> Problem:
    return Problem(status, kind, title, detail, headers={"WWW-Authenticate": f'Bearer realm="stocksalot"{error}'})


def invalid_token() -> Problem:
    """Return the 401 for a token that is not valid, whatever the reason."""
    detail = (
        "The token is not valid: it was revoked, it has expired, or it is not whole. "
        "Without the header Authorization, what is open to all is served."
    )
    return _refusal(401, "invalid-token", "Invalid token", detail, ', error="invalid_token"')


def unverifiable() -> Problem:
    """Return the 503 for a token that cannot be looked up."""
    detail = "Neither the database nor the cache answers, so nobody can tell whether the token is valid."
    return Problem(503, "token-unverifiable", "Token cannot be checked", detail, headers={"Retry-After": "5"})
