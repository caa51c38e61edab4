"""Tokens of an account: list, create, rotate, revoke."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.token.link_queries import select_link_digests
from functions.token.request_body import read_json, read_query
from functions.token.responses import json_response, no_content
from functions.token.security_log import log_event
from functions.token.settings import Settings
from functions.token.token_queries import (
    NewToken,
    TokenRow,
    count_named_tokens,
    delete_ended,
    insert_token,
    invalidate_other_keys,
    replace_token,
    revoke_oldest_logins,
    revoke_token,
    revoke_tokens,
    select_tokens,
    update_used,
)
from functions.token.token_requests import CreateToken, RotateToken
from functions.token.user_queries import User, select_password_hash_for_share, select_user_for_update
from shared.auth.attempts import Attempts
from shared.auth.authenticator import ACCOUNT, SCOPES, Authenticator, Caller
from shared.auth.names import normalize_name
from shared.auth.token_format import key_id, keyed_hash, new_token
from shared.auth.token_lookup import invalidate, mark_revoked, used_name
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.problem import Problem, bad_parameters
from shared.http.response_data import rfc3339

_logger = logging.getLogger(__name__)
_MAX_LOGINS = 20
_MAX_TOKENS = 100
_MAX_NEW_TOKENS, _NEW_TOKEN_SECONDS = 1000, 3600
"""Limits the rows, and the marks in Redis, of one account."""
_MAX_LIFETIME = timedelta(days=3650)
_MIN_OVERLAP = 10
"""Seconds: readers may use a cached end for half of that. 0, no overlap, is a revocation, which is announced."""

REVOCATION = {"kind": ("login", "all")}
"""Query of the request that ends all sessions."""

T = TypeVar("T")


class Tokens:
    """Endpoints of an account's own tokens."""

    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator,
        attempts: Attempts,
        redis: RedisClient,
        postgres: PostgresClient,
    ) -> None:
        self._authenticator = authenticator
        self._secret = settings.api_token_secret.reveal()
        self._key_id = key_id(self._secret)
        self._key_checked = False
        self._default_days = settings.api_token_expiry_days
        self._redis = redis
        self._postgres = postgres
        self._attempts = attempts

    async def issue(self, user: User, scopes: Sequence[str], expires_at: datetime, address: str) -> str | None:
        """Return a login token and revoke the oldest logins; None when the password was changed meanwhile."""
        token, digest = self._generate()
        login = NewToken(user.user_id, digest, self._key_id, "login", scopes, expires_at, is_login=True)

        async def work(connection: AsyncConnection) -> tuple[TokenRow, list[str]] | None:
            if not await select_password_hash_for_share(connection, user.user_id, user.password_hash):
                return None
            row = await insert_token(connection, login)
            await delete_ended(connection, user.user_id)
            return row, await revoke_oldest_logins(connection, user.user_id, _MAX_LOGINS)

        issued = await self._run(work)
        if issued is None:
            return None
        row, revoked = issued
        await self.announce_revocation(revoked)
        log_event("login", address, user.user_id, token_id=row.token_id)
        return token

    async def list(self, _: Request, caller: Caller) -> Response:
        """Return the tokens of an account with the last use of each."""
        user_id = require_account(caller, "Listing tokens")
        rows = await self._run(lambda connection: select_tokens(connection, user_id))
        used = await self._last_uses(user_id, [row.token_id for row in rows])
        if used:
            await self._run(lambda connection: update_used(connection, used))
        items = [self._members(row, caller, used.get(row.token_id)) for row in rows]
        return json_response(200, {"count": len(items), "items": items})

    async def create(self, request: Request, caller: Caller) -> Response:
        """Create a token with a name, scopes and an end; only the response shows its text."""
        user_id = require_account(caller, "Creating a token")
        body = await read_json(request, CreateToken)
        token, digest = self._generate()
        new = self._new_token(user_id, digest, body)
        await self._limit_new_tokens(user_id)

        async def work(connection: AsyncConnection) -> TokenRow:
            await _require_room(connection, user_id)
            return await insert_token(connection, new)

        row = await self._run(work)
        log_event("token created", self._address(request), user_id, token_id=row.token_id, scopes=",".join(row.scopes))
        members = {"token": token, **self._members(row, caller)}
        return json_response(201, members, {"Location": f"tokens/{row.token_id}"})

    async def rotate(self, request: Request, caller: Caller) -> Response:
        """Create a token that replaces another, which stays valid for an overlap."""
        user_id = require_account(caller, "Rotating a token")
        seconds = (await read_json(request, RotateToken)).overlap_seconds
        if 0 < seconds < _MIN_OVERLAP:
            raise bad_parameters([("overlap_seconds", f"should be 0, or {_MIN_OVERLAP} or more")])
        old_id = _parse_id(request.path_params["token_id"], caller)
        token, digest = self._generate()
        await self._limit_new_tokens(user_id)

        async def work(connection: AsyncConnection) -> tuple[TokenRow, str, list[str]] | None:
            await select_user_for_update(connection, user_id)
            replaced = await replace_token(connection, user_id, old_id, digest, self._key_id, seconds)
            if replaced is None:
                return None
            row, old_digest = replaced
            if row.is_login:
                return row, old_digest, await revoke_oldest_logins(connection, user_id, _MAX_LOGINS)
            await _require_room(connection, user_id, new=0)
            return row, old_digest, []

        replaced = await self._run(work)
        if replaced is None:
            raise _unknown_token("has no such token, or it was replaced before")
        row, old_digest, revoked = replaced
        await self.announce_revocation([*revoked, *([old_digest] if seconds == 0 else [])])
        if seconds:
            await self.announce(invalidate(self._redis, old_digest))
        log_event("token rotated", self._address(request), user_id, token_id=row.token_id, replaces=old_id)
        members = {"token": token, **self._members(row, caller), "replaces": old_id}
        return json_response(201, members, {"Location": f"../{row.token_id}"})

    async def revoke(self, request: Request, caller: Caller) -> Response:
        """Revoke a token at once. Every token may revoke itself, as `current`."""
        text = request.path_params["token_id"]
        if text != "current" or caller.principal is None:
            require_account(caller, "Revoking a token")
        assert caller.principal is not None  # noqa: S101
        token_id, user_id = _parse_id(text, caller), caller.principal.user_id
        digest = await self._run(lambda connection: revoke_token(connection, user_id, token_id))
        if digest is None:
            raise _unknown_token("has no such token")
        await self.announce_revocation([digest])
        log_event("token revoked", self._address(request), user_id, token_id=token_id)
        return no_content()

    async def revoke_all(self, request: Request, caller: Caller) -> Response:
        """Revoke all logins (`kind=login`, the default) or all logins and tokens (`kind=all`), this one included."""
        user_id = require_account(caller, "Ending all sessions")
        kind = read_query(request, REVOCATION).get("kind", "login")
        revoked = await self._run(lambda asked: revoke_tokens(asked, user_id, logins_only=kind == "login"))
        await self.announce_revocation(revoked)
        log_event("tokens revoked", self._address(request), user_id, kind=kind, count=len(revoked))
        return no_content()

    async def announce_revocation(self, digests: Sequence[str]) -> None:
        """Make revoked tokens and their links invalid at once in all copies of all functions."""
        await self.announce(mark_revoked(self._redis, digests))
        if digests:
            links = await self._postgres.run(lambda connection: select_link_digests(connection, digests))
            await self.announce(mark_revoked(self._redis, links))

    async def announce(self, announcement: Awaitable[None]) -> None:
        """Await *announcement*, a change in Redis; without it readers notice the change a few seconds later."""
        try:
            await announcement
        except UnavailableError:
            _logger.warning("Redis is down: revoked tokens stop working within 6 s, when readers ask Postgres again")

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Return the result of *work* in a transaction; the first one invalidates tokens of other keys."""

        async def run(connection: AsyncConnection) -> T:
            if not self._key_checked:
                if count := await invalidate_other_keys(connection, self._key_id):
                    _logger.warning("API_TOKEN_SECRET has changed: %d tokens are invalid for good", count)
                self._key_checked = True
            async with connection.transaction():
                return await work(connection)

        return await self._postgres.run(run)

    async def _limit_new_tokens(self, user_id: str) -> None:
        await self._attempts.count_or_refuse("token", f"account {user_id}", _MAX_NEW_TOKENS, _NEW_TOKEN_SECONDS)

    async def _last_uses(self, user_id: str, token_ids: Sequence[str]) -> dict[str, int]:
        """Return the last uses of tokens that Redis has, in Unix seconds by id."""
        if not token_ids:
            return {}
        try:
            times = await self._redis.run(lambda client: client.zmscore(self._redis.key(used_name(user_id)), token_ids))
        except UnavailableError:
            return {}
        return {one: int(at) for one, at in zip(token_ids, times, strict=True) if at is not None}

    def _address(self, request: Request) -> str:
        return self._authenticator.client_address(request.scope, dict(request.scope["headers"]))

    def _generate(self) -> tuple[str, str]:
        token = new_token()
        return token, keyed_hash(self._secret, token.encode())

    def _new_token(self, user_id: str, digest: str, body: CreateToken) -> NewToken:
        errors: list[tuple[str, str]] = []
        now, name = datetime.now(UTC), ""
        expires_at = body.expires_at or now + timedelta(days=body.expires_in_days or self._default_days)
        try:
            name = normalize_name(body.name)
        except ValueError as error:
            errors.append(("name", str(error)))
        if not body.scopes or not set(body.scopes) <= set(SCOPES):
            errors.append(("scopes", f"should list some of: {', '.join(SCOPES)}"))
        if body.expires_at and body.expires_in_days:
            errors.append(("expires_at", "cannot be combined with expires_in_days"))
        elif expires_at.tzinfo is None:
            errors.append(("expires_at", "needs an offset from UTC, such as Z"))
        elif not now < expires_at <= now + _MAX_LIFETIME:
            errors.append(("expires_at", f"should be later than now, and at most {_MAX_LIFETIME.days} days ahead"))
        if errors:
            raise bad_parameters(errors)
        scopes = [scope for scope in SCOPES if scope in body.scopes]
        return NewToken(user_id, digest, self._key_id, name, scopes, expires_at)

    def _members(self, row: TokenRow, caller: Caller, used_at: int | None = None) -> dict[str, Any]:
        used = datetime.fromtimestamp(used_at, UTC) if used_at else row.used_at
        return {
            "id": row.token_id,
            "kind": "login" if row.is_login else "token",
            "name": row.name,
            "scopes": row.scopes,
            "created_at": rfc3339(row.created_at),
            "expires_at": rfc3339(row.expires_at),
            "last_used_at": used and rfc3339(used),
            "replaced_by": row.replaced_by,
            "valid": row.invalidated_at is None,
            "current": caller.principal is not None and caller.principal.token_id == row.token_id,
        }


def require_account(caller: Caller, action: str) -> str:
    """Return the id of the caller's account; Problem 401 or 403 when its token does not permit *action*."""
    caller.require(ACCOUNT, action)
    assert caller.principal is not None  # noqa: S101
    return caller.principal.user_id


async def _require_room(connection: AsyncConnection, user_id: str, new: int = 1) -> None:
    """Problem 409 without room for *new* tokens; serializes the requests of one account."""
    await select_user_for_update(connection, user_id)
    if await count_named_tokens(connection, user_id) + new > _MAX_TOKENS:
        detail = f"An account has at most {_MAX_TOKENS} tokens. Revoke some first."
        raise Problem(409, "too-many-tokens", "Too many tokens", detail)


def _parse_id(text: str, caller: Caller) -> str:
    """Return the token id in a path; Problem 404 for an invalid one."""
    if text == "current" and caller.principal:
        return caller.principal.token_id
    try:
        return str(UUID(text))
    except ValueError:
        raise _unknown_token("has no such token") from None


def _unknown_token(what: str) -> Problem:
    return Problem(404, "unknown-token", "Unknown token", f"The account {what}. /tokens lists its tokens.")
