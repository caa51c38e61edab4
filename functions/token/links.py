"""Links of an account: create, list, revoke. A link gives access to one path with its parameters without a token."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import unquote_plus, urlsplit
from uuid import UUID

import msgspec
from msgspec import Meta
from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.token.link_queries import (
    LinkRow,
    NewLink,
    delete_ended_links,
    delete_link,
    insert_link,
    select_links,
    select_token_end,
)
from functions.token.request_body import read_json
from functions.token.responses import json_response, no_content
from functions.token.security_log import log_event
from functions.token.settings import Settings
from functions.token.tokens import Tokens, require_account
from functions.token.user_queries import select_user_for_update
from shared.auth.attempts import Attempts
from shared.auth.authenticator import Authenticator, Caller
from shared.auth.links import MAX_BYTES, PARAMETER, PATHS, identify, is_reading, new_secret
from shared.auth.names import MAX_NAME, parse_name
from shared.auth.token_format import keyed_hash
from shared.auth.token_lookup import mark_revoked
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.problem import Problem, bad_parameters
from shared.http.public_address import public_address
from shared.http.response_data import rfc3339

_MAX_LINKS = 100
_MAX_NEW_LINKS, _NEW_LINK_SECONDS = 1000, 3600


class CreateLink(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a link: *path* with its parameters, below the root of the API."""

    path: str
    name: str | None = None
    token_id: str | None = None
    expires_at: datetime | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class Links:
    """Endpoints of an account's own links."""

    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator,
        attempts: Attempts,
        redis: RedisClient,
        postgres: PostgresClient,
        tokens: Tokens,
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._attempts = attempts
        self._redis = redis
        self._postgres = postgres
        self._tokens = tokens

    async def list(self, _: Request, caller: Caller) -> Response:
        """Return the links of an account, without their secrets."""
        user_id = require_account(caller, "Listing links")
        rows = await self._postgres.run(lambda connection: select_links(connection, user_id))
        return json_response(200, {"count": len(rows), "items": [_members(row) for row in rows]})

    async def create(self, request: Request, caller: Caller) -> Response:
        """Create a link; only the response shows its URL."""
        user_id = require_account(caller, "Creating a link")
        assert caller.principal is not None  # noqa: S101
        body = await read_json(request, CreateLink)
        path, query = _parse_path(body.path)
        token_id = _parse_token_id(body.token_id) if body.token_id else caller.principal.token_id
        await self._attempts.count_or_refuse("link", f"account {user_id}", _MAX_NEW_LINKS, _NEW_LINK_SECONDS)
        secret = new_secret()
        key = identify(secret.encode(), path, query.encode())
        if key is None:
            raise bad_parameters([("path", "has parameters that are not valid UTF-8 in percent encoding")])
        digest = keyed_hash(self._settings.api_token_secret.reveal(), key)
        address = f"{path}?{query}" if query else path

        async def work(connection: AsyncConnection) -> LinkRow:
            async with connection.transaction():
                await select_user_for_update(connection, user_id)  # serializes the requests of one account
                await delete_ended_links(connection, user_id)
                if len(await select_links(connection, user_id)) >= _MAX_LINKS:
                    detail = f"An account has at most {_MAX_LINKS} links. Revoke some first."
                    raise Problem(409, "too-many-links", "Too many links", detail)
                end = await select_token_end(connection, user_id, token_id)
                if end is None:
                    raise bad_parameters([("token_id", "should be a valid token of the account with the scope read")])
                name = parse_name(path[:MAX_NAME] if body.name is None else body.name)
                new = NewLink(token_id, digest, name, address, _parse_end(body, end))
                link_id = await insert_link(connection, new)
                return next(row for row in await select_links(connection, user_id) if row.link_id == link_id)

        row = await self._postgres.run(work)
        log_event("link created", self._address(request), user_id, link_id=row.link_id, token_id=token_id)
        root = public_address(self._settings, dict(request.scope["headers"]))
        url = f"{root}/api{address}{'&' if query else '?'}{PARAMETER}={secret}"
        return json_response(201, {"url": url, **_members(row)}, {"Location": f"links/{row.link_id}"})

    async def revoke(self, request: Request, caller: Caller) -> Response:
        """Revoke a link at once."""
        user_id = require_account(caller, "Revoking a link")
        try:
            link_id = str(UUID(request.path_params["link_id"]))
        except ValueError:
            raise _unknown_link() from None
        digest = await self._postgres.run(lambda connection: delete_link(connection, user_id, link_id))
        if digest is None:
            raise _unknown_link()
        await self._tokens.announce(mark_revoked(self._redis, [digest]))
        log_event("link revoked", self._address(request), user_id, link_id=link_id)
        return no_content()

    def _address(self, request: Request) -> str:
        return self._authenticator.client_address(request.scope, dict(request.scope["headers"]))


def _parse_path(text: str) -> tuple[str, str]:
    """Return path and query; Problem 400."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if not text.isascii() or not text.isprintable() or parts.scheme or parts.netloc or not is_reading(parts.path):
        start = ", ".join(f"/{name}" for name in sorted(PATHS))
        raise bad_parameters([("path", f"should be a path of the API with its parameters that begins with: {start}")])
    if len(text) > MAX_BYTES:
        raise bad_parameters([("path", f"should have at most {MAX_BYTES} characters")])
    names = {unquote_plus(part.partition("=")[0]) for part in parts.query.split("&")}
    if "%" in parts.path or parts.fragment or PARAMETER in names:
        raise bad_parameters([("path", f"should have no fragment, no parameter {PARAMETER}, and no % before its ?")])
    # Clients resolve such parts before they send, and would request another path than the link's.
    if {".", ".."} & set(parts.path.split("/")) or "//" in parts.path:
        raise bad_parameters([("path", "should have no part that is empty, . or .. before its ?")])
    return parts.path, parts.query


def _parse_token_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise bad_parameters([("token_id", "should be the id of a token, as GET /tokens lists it")]) from None


def _parse_end(body: CreateLink, most: datetime) -> datetime:
    """Return the end of the link: that of the request, else that of its token; Problem 400."""
    now = datetime.now(UTC)
    if body.expires_at and body.expires_in_days:
        raise bad_parameters([("expires_at", "cannot be combined with expires_in_days")])
    if body.expires_in_days:
        return min(now + timedelta(days=body.expires_in_days), most)
    if body.expires_at is None:
        return most
    if body.expires_at.tzinfo is None:
        raise bad_parameters([("expires_at", "needs an offset from UTC, such as Z")])
    if not now < body.expires_at <= most:
        what = f"should be later than now, and at most the end of the token, {rfc3339(most)}"
        raise bad_parameters([("expires_at", what)])
    return body.expires_at


def _members(row: LinkRow) -> dict[str, object]:
    return {
        "id": row.link_id,
        "name": row.name,
        "path": row.path,
        "token_id": row.token_id,
        "token_name": row.token_name,
        "created_at": rfc3339(row.created_at),
        "expires_at": rfc3339(row.expires_at),
    }


def _unknown_link() -> Problem:
    return Problem(404, "unknown-link", "Unknown link", "The account has no such link. /links lists its links.")
