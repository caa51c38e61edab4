"""Authentication: callers, their permissions and rate limits, for every function with public endpoints.

Most requests come from a caller that this process knows and has leased requests for; they cost a comparison of bytes.
A token is looked up again within a second, so that a revoked one stops working.
"""

import asyncio
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import Scope

from shared.auth.address_limiter import AddressSettings
from shared.auth.client_address import ClientAddresses
from shared.auth.rate_limit import LocalCounters, RateLimit, RateLimiter, RawHeaders
from shared.auth.token_format import is_well_formed
from shared.auth.token_lookup import Principal, TokenLookup, UnverifiableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient, RedisCounters
from shared.http.problem import Problem
from shared.runtime.settings import Secret

READ, ACCOUNT, ALERTS = "read", "account", "alerts"
SCOPES = {
    READ: "the whole history and the exports",
    ACCOUNT: "see, make and revoke the tokens of the account, and delete it",
    ALERTS: "see, make and change the alerts of the account and their channels",
}
_FRESH_SECONDS = 0.9
_REFRESH_AFTER_SECONDS = 0.5
_SECRET_LENGTH = 32
_BEARER = re.compile(rb"(?i)bearer +(\S{1,100}) *")
_ANONYMOUS = b"Bearer Internal"
"""Header that the page of the previous system sends in place of a token: an anonymous request."""
_USE_RECORDED_SECONDS = 60
_OUTAGE_SECONDS = 300
_MAX_CALLERS = 20_000

Headers = Mapping[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class AuthSettings(AddressSettings):
    """Settings of authentication and rate limits, the same in all functions."""

    api_token_secret: Secret
    """Key for hashing API tokens; changing it invalidates them all."""

    def check(self) -> None:
        """Refuse a guessable secret."""
        super().check()
        if len(self.api_token_secret.reveal()) < _SECRET_LENGTH:
            raise ValueError(
                f"API_TOKEN_SECRET: should be at least {_SECRET_LENGTH} random characters, "
                "such as the output of `openssl rand -hex 32`"
            )


class Caller:
    """Sender of requests, as last known to this process; *principal* is None without a token."""

    __slots__ = ("_fresh_until", "_refresh", "_refresh_at", "can_read_history", "principal", "rate_limit", "token",
                 "use_recorded_at", "verified_at")  # fmt: skip

    def __init__(
        self, rate_limit: RateLimit, principal: Principal | None = None, refresh: Callable[[], None] | None = None
    ) -> None:
        """*refresh* looks the token up again in the background."""
        self.token: bytes | None = None
        """Token as received; None without one, and for a link."""
        self.rate_limit = rate_limit
        self.principal = principal
        self.can_read_history = self.has_scope(READ)
        self.verified_at = self.use_recorded_at = -math.inf
        self._refresh = refresh
        self._refresh_at = self._fresh_until = math.inf

    def has_scope(self, scope: str) -> bool:
        """Return whether the token carries *scope*."""
        return self.principal is not None and scope in self.principal.scopes

    def require(self, scope: str, action: str) -> None:
        """Problem 401 or 403 unless the token carries *scope*; *action* begins the sentence, such as Reading a list."""
        if self.principal is None:
            detail = f"{action} requires a token. Register at /users/register and log in at /token."
            raise _refusal(401, "token-needed", "Token required", detail, "")
        if scope not in self.principal.scopes:
            detail = f"{action} requires a token with the scope {scope}."
            error = f', error="insufficient_scope", scope="{scope}"'
            raise _refusal(403, "insufficient-scope", "Insufficient scope", detail, error)

    def cache_until(self, asked_at: float, now: float, expires_in: float) -> None:
        """Cache the result of a look-up that began at *asked_at* (monotonic, seconds) for a moment."""
        self._fresh_until = min(asked_at + _FRESH_SECONDS, now + expires_in)
        self._refresh_at = min(asked_at + _REFRESH_AFTER_SECONDS, self._fresh_until)

    def is_fresh(self, now: float) -> bool:
        """Return whether no look-up is needed before the next request is served."""
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


class Authenticator:
    """Callers and rate limits in the memory of one process; all of it may be lost at any moment."""

    def __init__(self, settings: AuthSettings, redis: RedisClient, postgres: PostgresClient) -> None:
        self.counters = RedisCounters(redis, LocalCounters())
        self._settings = settings
        self._limiter = RateLimiter(self.counters)
        self._tokens = TokenLookup(settings.api_token_secret.reveal(), redis, postgres)
        self._addresses = ClientAddresses(settings.trusted_proxy_hops, settings.trusted_proxy_networks)
        self._callers: dict[str | bytes, Caller] = {}  # by address, or by token
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}

    def find_caller(self, scope: Scope, headers: Headers) -> Caller | None:
        """Return the caller if this process knows it, without I/O. Every request calls this."""
        authorization = headers.get(b"authorization")
        if authorization is None or authorization == _ANONYMOUS:
            return self._callers.get(self.client_address(scope, headers))
        return self._callers.get(authorization[7:]) if authorization.startswith(b"Bearer ") else None

    async def authenticate(self, scope: Scope, headers: Headers) -> tuple[Caller, RawHeaders]:
        """Return the caller and the rate limit headers of its response.

        Problem 401 for an invalid token, 429 for too many requests, 503 when a token cannot be checked.
        """
        authorization, address = headers.get(b"authorization"), self.client_address(scope, headers)
        if authorization is None or authorization == _ANONYMOUS:
            caller = self._callers.get(address) or self._remember(address, self._new_anonymous(address))
        else:
            caller = await self._authenticate_token(authorization, address)
        return caller, await caller.rate_limit.acquire()

    async def is_valid(self, caller: Caller) -> bool:
        """Return whether the token of *caller* is still valid; False also when it cannot be looked up."""
        token = caller.token
        if token is None or caller.is_fresh(time.monotonic()):
            return True
        try:
            return await asyncio.shield(self._start_lookup(token)) is not None
        except Problem:
            return False

    def client_address(self, scope: Scope, headers: Headers) -> str:
        """Return the client address whose requests are counted together."""
        client = scope.get("client")
        return self._addresses.client_address(headers.get(b"x-forwarded-for"), client[0] if client else "unknown")

    async def _authenticate_token(self, authorization: bytes, address: str) -> Caller:
        match = _BEARER.fullmatch(authorization)
        if match is None or not is_well_formed(match[1]):
            return await self._verify(None, address, invalid_token)
        return await self._verify(match[1], address, invalid_token)

    async def _verify(self, key: bytes | None, address: str, refusal: Callable[[], Problem]) -> Caller:
        """Return the caller of the token or link *key*; Problem *refusal* without one, which counts as a guess."""
        guesses = self._guesses(address)
        if key is None:
            await guesses.acquire()
            raise refusal()
        caller = self._callers.get(key)
        if caller and caller.is_fresh(time.monotonic()):
            return caller
        guesses.check()
        caller = await asyncio.shield(self._start_lookup(key))
        if caller is None:
            await guesses.acquire()
            raise refusal()
        return caller

    def _guesses(self, address: str) -> RateLimit:
        """Return the limit on wrong tokens, which is separate from that on anonymous requests."""
        return self._limiter.for_key(f"guesses:{address}", self._settings.rate_limit_anonymous)

    async def _find(self, key: bytes) -> Principal | None:
        """Return the principal of the well-formed token *key*, None when it is invalid; UnverifiableError."""
        return await self._tokens.get(key)

    def _start_lookup(self, token: bytes) -> asyncio.Task[Caller | None]:
        """Start to look *token* up, or return the look-up in flight."""
        lookup = self._lookups.get(token)
        if lookup is None:
            lookup = self._lookups[token] = asyncio.create_task(self._look_up(token))
            lookup.add_done_callback(lambda _: self._lookups.pop(token))
        return lookup

    async def _look_up(self, token: bytes) -> Caller | None:
        asked_at, caller = time.monotonic(), self._callers.get(token)
        try:
            principal = await self._find(token)
        except UnverifiableError:
            if caller is None or asked_at - caller.verified_at >= _OUTAGE_SECONDS:
                raise unverifiable() from None
            caller.cache_until(asked_at, asked_at, math.inf)
            return caller
        if principal is None:
            self._callers.pop(token, None)
            return None
        now = time.monotonic()
        if caller is None or caller.principal != principal:
            caller = self._remember(token, self._new_caller(token, principal))
        caller.verified_at = now
        caller.cache_until(asked_at, now, principal.expires - time.time())
        if now - caller.use_recorded_at >= _USE_RECORDED_SECONDS:
            caller.use_recorded_at = now
            self._tokens.record_use(principal)
        return caller

    def _new_anonymous(self, address: str) -> Caller:
        return Caller(RateLimit(self.counters, f"address:{address}", self._settings.rate_limit_anonymous))

    def _new_caller(self, token: bytes, principal: Principal) -> Caller:
        def refresh() -> None:
            self._start_lookup(token).add_done_callback(_consume_exception)

        rate_limit = self._limiter.for_key(f"user:{principal.user_id}", self._settings.rate_limit_token)
        caller = Caller(rate_limit, principal, refresh)
        caller.token = token
        return caller

    def _remember(self, key: str | bytes, caller: Caller) -> Caller:
        if len(self._callers) >= _MAX_CALLERS:
            self._callers.pop(next(iter(self._callers)))
        self._callers[key] = caller
        return caller


def _consume_exception(lookup: asyncio.Task[Caller | None]) -> None:
    """Fetch the exception of a background look-up; the next request gets the same error and reports it."""
    if not lookup.cancelled():
        lookup.exception()


def _refusal(status: int, kind: str, title: str, detail: str, error: str) -> Problem:
    return Problem(status, kind, title, detail, headers={"WWW-Authenticate": f'Bearer realm="stocksalot"{error}'})


def invalid_token() -> Problem:
    """Return the 401 for an invalid token, whatever the reason."""
    detail = (
        "The token is invalid: it was revoked, has expired, or is incomplete. "
        "Without an Authorization header only public data is available."
    )
    return _refusal(401, "invalid-token", "Invalid token", detail, ', error="invalid_token"')


def unverifiable() -> Problem:
    """Return the 503 for a token that cannot be looked up."""
    detail = "The token cannot be checked because neither the database nor the cache responds. Try again in 5 s."
    return Problem(503, "token-unverifiable", "Token cannot be checked", detail, headers={"Retry-After": "5"})
