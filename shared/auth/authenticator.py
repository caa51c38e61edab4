"""Who may ask what, and how often: the one gate in front of every function that answers people.

Most requests meet a caller that this process knows and has leased requests for, and pass by looking at bytes.
A token is looked up anew before a second has passed, so that one that was revoked opens nothing any more.
"""

import asyncio
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from starlette.types import Scope

from shared.auth.caller import Caller, invalid_token, unverifiable
from shared.auth.client_address import ClientAddresses
from shared.auth.rate_limit import Counters, RateLimiter, RawHeaders
from shared.auth.token_format import is_whole
from shared.auth.token_lookup import Principal, TokenLookup, UnverifiableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.runtime.settings import CsvList, Secret, SettingsGroup

_SECRET_LENGTH = 32
_BEARER = re.compile(rb"(?i)bearer +(\S{1,512}) *")
_NOTED_SECONDS = 60
_REMEMBERED_SECONDS = 300
_KNOWN_AT_MOST = 20_000

Count = Annotated[int, Meta(ge=1)]
Headers = Mapping[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class AuthSettings(SettingsGroup):
    """By what tokens are known, how many requests a minute are served, and whose word on addresses is believed."""

    api_token_secret: Secret
    """The key of the hashes of tokens, the same in all functions; another one makes all tokens invalid."""

    rate_limit_anonymous: Count = 300
    rate_limit_token: Count = 3000

    trusted_proxy_hops: Annotated[int, Meta(ge=0, le=10)] = 1
    trusted_proxy_networks: CsvList = ()

    def check(self) -> None:
        """Refuse a secret that can be guessed, and networks that are none."""
        super().check()
        if len(self.api_token_secret.reveal()) < _SECRET_LENGTH:
            raise ValueError(
                f"API_TOKEN_SECRET: should have {_SECRET_LENGTH} characters or more that nobody can guess, "
                "such as those of `openssl rand -hex 32`"
            )
        try:
            ClientAddresses(self.trusted_proxy_hops, self.trusted_proxy_networks)
        except ValueError:
            raise ValueError("TRUSTED_PROXY_NETWORKS: should be networks such as 10.0.0.0/8") from None


class Authenticator:
    """Recognises callers; everything that it keeps may be lost at any moment."""

    def __init__(self, settings: AuthSettings, redis: RedisClient, postgres: PostgresClient) -> None:
        self.counts = Counters(redis)
        self._settings = settings
        self._quotas = RateLimiter(self.counts)
        self._principals = TokenLookup(settings.api_token_secret.reveal(), redis, postgres)
        self._addresses = ClientAddresses(settings.trusted_proxy_hops, settings.trusted_proxy_networks)
        self._known: dict[object, Caller] = {}
        self._questions: dict[bytes, asyncio.Task[Caller | None]] = {}

    def known(self, scope: Scope, headers: Headers) -> Caller | None:
        """Return the caller if this process has seen them, looking at bytes only. Every request comes here."""
        authorization = headers.get(b"authorization")
        return self._known.get(_by_address(scope, headers) if authorization is None else authorization)

    async def admit(self, scope: Scope, headers: Headers) -> tuple[Caller, RawHeaders]:
        """Return the caller and the header lines that say what they may still ask.

        Problem 401 for a token that is not valid, 429 for too many requests, 503 when a token cannot be checked.
        """
        caller = self.known(scope, headers)
        if caller is None or not caller.is_believed(time.monotonic()):
            authorization = headers.get(b"authorization")
            if authorization is None:
                caller = self._by_address(scope, headers)
            else:
                caller = await self._by_token(authorization, self.address(scope, headers))
        return caller, await caller.quota.admit()

    def address(self, scope: Scope, headers: Headers) -> str:
        """Return the client address that a request is counted under."""
        return self._addresses.client(headers.get(b"x-forwarded-for"), _peer(scope))

    def _by_address(self, scope: Scope, headers: Headers) -> Caller:
        quota = self._quotas.of(f"address:{self.address(scope, headers)}", self._settings.rate_limit_anonymous)
        return self._remember(_by_address(scope, headers), Caller(quota))

    async def _by_token(self, authorization: bytes, address: str) -> Caller:
        found = _BEARER.fullmatch(authorization)
        if found is None or not is_whole(found[1]):
            raise invalid_token()
        # Not the quota of requests: a good token is served from an address that has used that up.
        guesses = self._quotas.of(f"guesses:{address}", self._settings.rate_limit_anonymous)
        guesses.check()
        caller = await asyncio.shield(self._ask(authorization))
        if caller is None:
            await guesses.admit()
            raise invalid_token()
        return caller

    def _ask(self, authorization: bytes) -> asyncio.Task[Caller | None]:
        """Start to look a token up, or return the question that is being asked."""
        question = self._questions.get(authorization)
        if question is None:
            question = self._questions[authorization] = asyncio.create_task(self._look_up(authorization))
            question.add_done_callback(lambda _: self._questions.pop(authorization))
        return question

    async def _look_up(self, authorization: bytes) -> Caller | None:
        asked_at, caller = time.monotonic(), self._known.get(authorization)
        found = _BEARER.fullmatch(authorization)
        try:
            principal = await self._principals.find(found[1] if found else b"")
        except UnverifiableError:
            if caller is None or asked_at - caller.seen_at >= _REMEMBERED_SECONDS:
                raise unverifiable() from None
            caller.believe(asked_at, asked_at, math.inf)
            return caller
        if principal is None:
            self._known.pop(authorization, None)
            return None
        now = time.monotonic()
        if caller is None or caller.principal != principal:
            caller = self._remember(authorization, self._new(authorization, principal))
        caller.seen_at = now
        caller.believe(asked_at, now, principal.expires - time.time())
        if now - caller.noted_at >= _NOTED_SECONDS:
            caller.noted_at = now
            self._principals.used(principal)
        return caller

    def _new(self, authorization: bytes, principal: Principal) -> Caller:
        def look_up() -> None:
            self._ask(authorization).add_done_callback(_look_at)

        quota = self._quotas.of(f"user:{principal.user_id}", self._settings.rate_limit_token)
        return Caller(quota, principal, look_up)

    def _remember(self, key: object, caller: Caller) -> Caller:
        if len(self._known) >= _KNOWN_AT_MOST:
            self._known.clear()
        self._known[key] = caller
        return caller


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def _by_address(scope: Scope, headers: Headers) -> object:
    """Return what tells the addresses of two requests apart, not yet read."""
    client = scope.get("client")
    return headers.get(b"x-forwarded-for"), client and client[0]


def _look_at(question: asyncio.Task[Caller | None]) -> None:
    """Take note of how a question in the background ended: the next request meets the same, and says so."""
    if not question.cancelled():
        question.exception()
