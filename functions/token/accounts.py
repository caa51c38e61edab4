"""Registration, login, password changes and deletion of accounts."""

import hmac
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.token.credentials import Credentials
from functions.token.normalization import (
    RESERVED_USERNAMES,
    account_key,
    normalize_password,
    username_key,
)
from functions.token.passwords import Passwords, is_common
from functions.token.request_body import read_form
from functions.token.responses import json_response, no_content
from functions.token.security_log import log_event
from functions.token.settings import Settings
from functions.token.token_queries import revoke_tokens
from functions.token.tokens import Tokens, require_account
from functions.token.user_queries import (
    User,
    delete_user,
    insert_user,
    select_user,
    select_user_by_login,
    update_password_hash,
)
from shared.auth.attempts import Attempts
from shared.auth.authenticator import SCOPES, Authenticator, Caller, invalid_token
from shared.auth.email_address import normalize_email
from shared.connections.postgres import PostgresClient
from shared.http.problem import Problem, bad_parameters
from shared.http.response_data import rfc3339

_LOGIN_SECONDS = 300
_REGISTRATION_SECONDS = 3600


class Accounts:
    """Endpoints of accounts; `Tokens` has those of their tokens."""

    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator,
        attempts: Attempts,
        postgres: PostgresClient,
        tokens: Tokens,
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._attempts = attempts
        self._postgres = postgres
        self._tokens = tokens
        self._passwords = Passwords()
        self._credentials = Credentials(settings.login_attempts, attempts, self._passwords, postgres)

    async def register(self, request: Request, _: Caller) -> Response:
        """Create an account from the form fields email, password and optionally username; 409 when one is taken."""
        self._require_open_registration()
        form = await read_form(request, ("email", "password"), ("username", "invite"))
        username = form.get("username") or None
        email, key, password = _normalize(form["email"], username, form["password"])
        if key in RESERVED_USERNAMES:
            raise Problem(403, "username-refused", "User name refused", "This user name is reserved.")
        address = self._address(request)
        limit = self._settings.registrations_per_address
        await self._attempts.count_or_refuse("registration", f"address {address}", limit, _REGISTRATION_SECONDS)
        self._require_invite(form.get("invite", ""))
        _refuse_common("password", password, email, key)
        async with self._passwords.queue():
            hashed = await self._passwords.hash(password)
        shown = username and username.strip()
        user = await self._postgres.run(lambda connection: insert_user(connection, email, shown, key, hashed))
        if user is None:
            raise Problem(409, "account-exists", "Account exists", "The email address or the user name is taken.")
        log_event("account created", address, user.user_id)
        return json_response(201, {"status": "ok", **_members(user)})

    async def log_in(self, request: Request, _: Caller) -> Response:
        """Return a token for the form fields username (or email address) and password: OAuth2's password grant."""
        # OAuth 2.0 (RFC 6749 3.2): unknown fields are ignored, such as client_id; none may be repeated.
        form = await read_form(request, ("username", "password"), None)
        if (form.get("grant_type") or "password") != "password":
            raise bad_parameters([("grant_type", "should be password")])
        scopes = _scopes(form.get("scope", ""))
        address = await self._limit_logins(request)
        email, key = account_key(form["username"])
        found = await self._postgres.run(lambda connection: select_user_by_login(connection, email, key))
        account = found.user_id if found else email or key or form["username"]
        user = await self._credentials.verify(found, account, form["password"], address)
        expires_at = datetime.now(UTC) + timedelta(days=self._settings.login_days)
        token = await self._tokens.issue(user, scopes, expires_at, address) if user else None
        if token is None:
            raise _wrong_credentials()
        seconds = self._settings.login_days * 24 * 3600
        members = {"access_token": token, "token_type": "bearer", "expires_in": seconds, "scope": " ".join(scopes)}
        return json_response(200, members, {"Pragma": "no-cache"})

    async def show(self, _: Request, caller: Caller) -> Response:
        """Return the account of the token."""
        user_id = require_account(caller, "Reading the account")
        user = await self._postgres.run(lambda connection: select_user(connection, user_id))
        if user is None:
            raise invalid_token()
        return json_response(200, _members(user))

    async def change_password(self, request: Request, caller: Caller) -> Response:
        """Replace the form field password by new_password, end all other logins, and return the remaining tokens."""
        user_id = require_account(caller, "Changing the password")
        form = await read_form(request, ("password", "new_password"))
        try:
            wanted = normalize_password(form["new_password"])
        except ValueError as error:
            raise bad_parameters([("new_password", str(error))]) from None
        user, address = await self._confirm(request, user_id, form["password"])
        _refuse_common("new_password", wanted, user.email, user.username)
        async with self._passwords.queue():
            hashed = await self._passwords.hash(wanted)
        assert caller.principal is not None  # noqa: S101
        token_id = caller.principal.token_id

        async def work(connection: AsyncConnection) -> list[str] | None:
            async with connection.transaction():
                if not await update_password_hash(connection, user.user_id, user.password_hash, hashed):
                    return None  # a concurrent request has changed it
                return await revoke_tokens(connection, user.user_id, logins_only=True, spare=token_id)

        revoked = await self._postgres.run(work)
        if revoked is None:
            raise _wrong_password()
        await self._tokens.announce_revocation(revoked)
        log_event("password changed", address, user_id, ended_logins=len(revoked))
        return await self._tokens.list(request, caller)

    async def delete(self, request: Request, caller: Caller) -> Response:
        """Delete the account after its password was verified again; its tokens are revoked at once."""
        user_id = require_account(caller, "Deleting the account")
        form = await read_form(request, ("password",))
        _, address = await self._confirm(request, user_id, form["password"])
        digests = await self._postgres.run(lambda connection: delete_user(connection, user_id))
        await self._tokens.announce_revocation(digests)
        log_event("account deleted", address, user_id)
        return no_content()

    async def _confirm(self, request: Request, user_id: str, password: str) -> tuple[User, str]:
        """Return the account and the client address; Problem 403 for a wrong password, 429 for too many."""
        address = await self._limit_logins(request)
        found = await self._postgres.run(lambda connection: select_user(connection, user_id))
        if found is None:
            raise invalid_token()
        user = await self._credentials.verify(found, user_id, password, address)
        if user is None:
            raise _wrong_password()
        return user, address

    async def _limit_logins(self, request: Request) -> str:
        """Count a login and return the client address; Problem 429."""
        address = self._address(request)
        limit = self._settings.login_attempts_per_address
        await self._attempts.count_or_refuse("login", f"address {address}", limit, _LOGIN_SECONDS)
        return address

    def _address(self, request: Request) -> str:
        return self._authenticator.client_address(request.scope, dict(request.scope["headers"]))

    def _require_open_registration(self) -> None:
        if self._settings.registration == "closed":
            detail = "New accounts are not accepted here. Ask the operator of this installation."
            raise Problem(403, "registration-closed", "Registration closed", detail)

    def _require_invite(self, invite: str) -> None:
        codes = self._settings.registration_invites
        valid = [hmac.compare_digest(code.reveal().encode(), invite.strip().encode()) for code in codes]
        if self._settings.registration == "invite" and not any(valid):
            detail = "Registration needs an invite code in the form field invite."
            raise Problem(403, "invite-needed", "Invite needed", detail)


def _normalize(email: str, username: str | None, password: str) -> tuple[str, str | None, str]:
    """Return the normal forms of the three; Problem 400 with the fault of each."""
    errors: list[tuple[str, str]] = []
    normal: list[str | None] = []
    for field, text, normalize in (
        ("email", email, normalize_email),
        ("username", username, username_key),
        ("password", password, normalize_password),
    ):
        try:
            normal.append(None if text is None else normalize(text))
        except ValueError as error:
            errors.append((field, str(error)))
    if errors:
        raise bad_parameters(errors)
    return f"{normal[0]}", normal[1], f"{normal[2]}"


def _refuse_common(field: str, password: str, *names: str | None) -> None:
    if is_common(password, *names):
        raise bad_parameters([(field, "is too easy to guess: it is one of the most common passwords, or your name")])


def _scopes(text: str) -> list[str]:
    """Return the scopes that a login requests, all by default; Problem 400 for an unknown one."""
    requested = text.split()
    if unknown := [scope for scope in requested if scope not in SCOPES]:
        detail = f"has the unknown scope {unknown[0][:50]}. Valid scopes: {', '.join(SCOPES)}"
        raise bad_parameters([("scope", detail)])
    return [scope for scope in SCOPES if scope in requested or not requested]


def _wrong_credentials() -> Problem:
    return Problem(
        401,
        "wrong-credentials",
        "Wrong credentials",
        "No account has this name and password.",
        headers={"WWW-Authenticate": 'Bearer realm="stocksalot"'},
        error="invalid_grant",
    )


def _wrong_password() -> Problem:
    return Problem(403, "wrong-password", "Wrong password", "This is not the password of the account.")


def _members(user: User) -> dict[str, object]:
    return {
        "id": user.user_id,
        "email": user.email,
        "username": user.username,
        "created_at": rfc3339(user.created_at),
    }
