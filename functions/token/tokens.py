"""An account's own tokens: made, listed, replaced, ended."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.token.answers import answer, nothing, rfc3339
from functions.token.bodies import read_json
from functions.token.kept import (
    Kept,
    Wish,
    delete_ended,
    insert_token,
    replace_token,
    revoke_oldest_logins,
    revoke_token,
    select_tokens,
    update_used,
)
from functions.token.names import token_name
from functions.token.settings import Settings
from functions.token.users import User, hold_password_hash
from shared.auth.caller import ACCOUNT, READ, SCOPES, Caller
from shared.auth.token_format import keyed_hash, new_token
from shared.auth.token_lookup import invalidate, mark_revoked, used_key
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.problem import Problem, bad_parameters

_logger = logging.getLogger(__name__)
_LOGINS_AT_MOST = 20
_TOKENS_AT_MOST = 100
_LONGEST = timedelta(days=3650)
_SHORTEST_OVERLAP = 10
"""Seconds: readers may believe an old end for half of that. 0, no overlap, is a revocation, which is told at once."""


class New(msgspec.Struct, forbid_unknown_fields=True):
    """A token to be made, as its owner asks for it."""

    name: str
    scopes: list[str] = msgspec.field(default_factory=lambda: [READ])
    expires_at: datetime | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """For how many seconds the old token is still good beside the new one."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=7 * 24 * 3600)] = 3600


class Tokens:
    """What is done with tokens, for their owners."""

    def __init__(self, settings: Settings, redis: RedisClient, postgres: PostgresClient) -> None:
        self._secret = settings.api_token_secret.reveal()
        self._default_days = settings.api_token_expiry_days
        self._redis = redis
        self._postgres = postgres

    async def give(self, user: User, scopes: Sequence[str], expires_at: datetime) -> str | None:
        """Return a new token for one who has told the password; of such tokens the newest few stay valid.

        None when the password has been changed since it was compared.
        """
        token, digest = self._new()
        wish = Wish(user.user_id, digest, "login", scopes, expires_at, is_login=True)

        async def keep(connection: AsyncConnection) -> list[str] | None:
            async with connection.transaction():
                if not await hold_password_hash(connection, user.user_id, user.password_hash):
                    return None
                await insert_token(connection, wish)
                await delete_ended(connection, user.user_id)
                return await revoke_oldest_logins(connection, user.user_id, _LOGINS_AT_MOST)

        ended = await self._postgres.run(keep)
        if ended is None:
            return None
        await self.end(ended)
        return token

    async def list(self, _: Request, caller: Caller) -> Response:
        """Show the valid tokens of an account, and when each was last used."""
        user_id = account_of(caller, "The list of tokens")
        kept = await self._postgres.run(lambda connection: select_tokens(connection, user_id))
        used = await self._used([one.token_id for one in kept])
        if used:
            await self._postgres.run(lambda connection: update_used(connection, used))
        items = [self._shown(one, caller, used.get(one.token_id)) for one in kept]
        return answer(200, {"count": len(items), "items": items})

    async def create(self, request: Request, caller: Caller) -> Response:
        """Make a token with a name, scopes and an end: 201, the one time that it is shown."""
        user_id = account_of(caller, "Making a token")
        asked = await read_json(request, New)
        token, digest = self._new()
        wish = self._wish(user_id, digest, asked)

        async def keep(connection: AsyncConnection) -> Kept:
            if len(await select_tokens(connection, user_id)) >= _TOKENS_AT_MOST:
                what = f"An account has at most {_TOKENS_AT_MOST} tokens: revoke some first."
                raise Problem(409, "too-many-tokens", "Too many tokens", what)
            return await insert_token(connection, wish)

        kept = await self._postgres.run(keep)
        return answer(201, {"token": token, **self._shown(kept, caller)}, {"Location": f"tokens/{kept.token_id}"})

    async def rotate(self, request: Request, caller: Caller) -> Response:
        """Make a token that takes the place of another, which stays good for an overlap: 201."""
        user_id = account_of(caller, "Rotating a token")
        seconds = (await read_json(request, Rotation)).overlap_seconds
        if 0 < seconds < _SHORTEST_OVERLAP:
            raise bad_parameters([("overlap_seconds", f"should be 0, or {_SHORTEST_OVERLAP} or more")])
        old_id = _id(request.path_params["token_id"], caller)
        token, digest = self._new()
        replaced = await self._postgres.run(
            lambda connection: replace_token(connection, user_id, old_id, digest, seconds)
        )
        if replaced is None:
            raise _no_token("no such token, or it has been replaced before")
        kept, old_digest = replaced
        if seconds == 0:
            await self.end([old_digest])
        else:
            await self._tell(invalidate(self._redis, old_digest))
        shown = {"token": token, **self._shown(kept, caller), "replaces": old_id}
        return answer(201, shown, {"Location": f"../{kept.token_id}"})

    async def revoke(self, request: Request, caller: Caller) -> Response:
        """End a token at once. Every token may end itself, as `current`."""
        token_id = request.path_params["token_id"]
        if token_id != "current" or caller.principal is None:  # noqa: S105  no password
            account_of(caller, "Revoking a token")
        assert caller.principal is not None  # noqa: S101
        ended, user_id = _id(token_id, caller), caller.principal.user_id
        digest = await self._postgres.run(lambda connection: revoke_token(connection, user_id, ended))
        if digest is None:
            raise _no_token("no such token")
        await self.end([digest])
        return nothing()

    async def end(self, digests: Sequence[str]) -> None:
        """Tell all readers that these tokens are no longer valid."""
        await self._tell(mark_revoked(self._redis, digests))

    async def _tell(self, telling: Any) -> None:
        try:
            await telling
        except UnavailableError:
            _logger.warning("Redis was not told that tokens have ended: readers learn it from Postgres within 6 s")

    async def _used(self, token_ids: Sequence[str]) -> dict[str, int]:
        """Return when tokens were last used, in Unix seconds by id, as far as Redis knows."""
        if not token_ids:
            return {}
        try:
            times = await self._redis.run(lambda client: client.mget([used_key(one) for one in token_ids]))
        except UnavailableError:
            return {}
        return {one: int(at) for one, at in zip(token_ids, times, strict=True) if at is not None}

    def _new(self) -> tuple[str, str]:
        token = new_token()
        return token, keyed_hash(self._secret, token.encode())

    def _wish(self, user_id: str, digest: str, asked: New) -> Wish:
        faults: list[tuple[str, str]] = []
        now, name = datetime.now(UTC), ""
        expires_at = asked.expires_at or now + timedelta(days=asked.expires_in_days or self._default_days)
        try:
            name = token_name(asked.name)
        except ValueError as error:
            faults.append(("name", str(error)))
        if not asked.scopes or not set(asked.scopes) <= set(SCOPES):
            faults.append(("scopes", f"should list some of: {', '.join(SCOPES)}"))
        if asked.expires_at and asked.expires_in_days:
            faults.append(("expires_at", "and expires_in_days are given: give one"))
        elif expires_at.tzinfo is None:
            faults.append(("expires_at", "needs an offset from UTC, such as Z"))
        elif not now < expires_at <= now + _LONGEST:
            faults.append(("expires_at", f"should lie within {_LONGEST.days} days from now"))
        if faults:
            raise bad_parameters(faults)
        return Wish(user_id, digest, name, [scope for scope in SCOPES if scope in asked.scopes], expires_at)

    def _shown(self, kept: Kept, caller: Caller, used_at: int | None = None) -> dict[str, Any]:
        last = datetime.fromtimestamp(used_at, UTC) if used_at else kept.used_at
        return {
            "id": kept.token_id,
            "name": kept.name,
            "scopes": kept.scopes,
            "created_at": rfc3339(kept.created_at),
            "expires_at": rfc3339(kept.expires_at),
            "last_used_at": rfc3339(last),
            "replaced_by": kept.replaced_by,
            "current": caller.principal is not None and caller.principal.token_id == kept.token_id,
        }


def account_of(caller: Caller, what: str) -> str:
    """Return the id of the account whose token asks; Problem 401 or 403 when *what* is not for this token."""
    caller.require(ACCOUNT, what)
    assert caller.principal is not None  # noqa: S101
    return caller.principal.user_id


def _id(text: str, caller: Caller) -> str:
    """Return the id that *text* in a path names; Problem 404 when it can be none."""
    if text == "current" and caller.principal:
        return caller.principal.token_id
    try:
        return str(UUID(text))
    except ValueError:
        raise _no_token("no such token") from None


def _no_token(what: str) -> Problem:
    return Problem(404, "unknown-token", "Unknown token", f"The account has {what}. /tokens lists those there are.")
