"""Registering, logging in, changing the password, and leaving."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from functions.token.answers import answer, nothing, rfc3339
from functions.token.attempts import Attempts
from functions.token.bodies import read_form
from functions.token.kept import revoke_other_logins
from functions.token.names import REFUSED_USERNAMES, account_key, normal_email, normal_password, username_key
from functions.token.passwords import Passwords
from functions.token.settings import Settings
from functions.token.tokens import Tokens, account_of
from functions.token.users import (
    User,
    delete_user,
    insert_user,
    replace_password_hash,
    select_user,
    select_user_by_login,
)
from shared.auth.authenticator import Authenticator
from shared.auth.caller import SCOPES, Caller, invalid_token
from shared.connections.postgres import PostgresClient
from shared.http.problem import Problem, bad_parameters

_LOGIN_SECONDS = 300
_REGISTRATION_SECONDS = 3600


class Accounts:
    """What is done for people; their tokens are looked after by `Tokens`."""

    def __init__(
        self, settings: Settings, gate: Authenticator, attempts: Attempts, postgres: PostgresClient, tokens: Tokens
    ) -> None:
        self._settings = settings
        self._gate = gate
        self._attempts = attempts
        self._postgres = postgres
        self._tokens = tokens
        self._passwords = Passwords()

    async def register(self, request: Request, _: Caller) -> Response:
        """Make an account of the form fields email, password and perhaps username: 201, or 409 when one is taken."""
        form = await read_form(request, ("email", "password"))
        username = form.get("username") or None
        email, key, password = _checked(form["email"], username, form["password"])
        if key in REFUSED_USERNAMES:
            raise Problem(403, "username-refused", "User name refused", "This user name is not given to anybody.")
        await self._count(request, "registration", self._settings.registrations_per_address, _REGISTRATION_SECONDS)
        hashed = await self._passwords.hash(password)
        shown = username and username.strip()
        user = await self._postgres.run(lambda connection: insert_user(connection, email, shown, key, hashed))
        if user is None:
            raise Problem(409, "account-exists", "Account exists", "The email address or the user name is taken.")
        return answer(201, _shown(user))

    async def log_in(self, request: Request, _: Caller) -> Response:
        """Give a token for the form fields username (or the address) and password, as OAuth2's password grant does."""
        form = await read_form(request, ("username", "password"))
        if form.get("grant_type", "password") != "password":
            raise bad_parameters([("grant_type", "should be password")])
        scopes = _scopes(form.get("scope", ""))
        await self._count(request, "login", self._settings.login_attempts_per_address, _LOGIN_SECONDS)
        email, key = account_key(form["username"])
        found = await self._postgres.run(lambda connection: select_user_by_login(connection, email, key))
        who = found.user_id if found else email or key or form["username"]
        user = await self._proven(found, who, form["password"])
        expires_at = datetime.now(UTC) + timedelta(days=self._settings.api_token_expiry_days)
        token = await self._tokens.give(user, scopes, expires_at) if user else None
        if token is None:
            raise _unknown()
        seconds = self._settings.api_token_expiry_days * 24 * 3600
        given = {"access_token": token, "token_type": "bearer", "expires_in": seconds, "scope": " ".join(scopes)}
        return answer(200, given, {"Pragma": "no-cache"})

    async def show(self, _: Request, caller: Caller) -> Response:
        """Tell a token's owner who they are."""
        user_id = account_of(caller, "The account")
        user = await self._postgres.run(lambda connection: select_user(connection, user_id))
        if user is None:
            raise invalid_token()
        return answer(200, _shown(user))

    async def change_password(self, request: Request, caller: Caller) -> Response:
        """Keep new_password in the place of the form field password; other logins end, tokens made by name do not."""
        user_id = account_of(caller, "Changing the password")
        form = await read_form(request, ("password", "new_password"))
        try:
            wanted = normal_password(form["new_password"])
        except ValueError as error:
            raise bad_parameters([("new_password", str(error))]) from None
        await self._count(request, "login", self._settings.login_attempts_per_address, _LOGIN_SECONDS)
        found = await self._postgres.run(lambda connection: select_user(connection, user_id))
        if found is None:
            raise invalid_token()
        user = await self._proven(found, user_id, form["password"])
        ended = await self._replace(user, wanted, caller) if user else None
        if ended is None:
            raise Problem(403, "wrong-password", "Wrong password", "The password is not that of this account.")
        await self._tokens.end(ended)
        return nothing()

    async def delete(self, _: Request, caller: Caller) -> Response:
        """Delete the account; its tokens end at once."""
        user_id = account_of(caller, "Deleting the account")
        digests = await self._postgres.run(lambda connection: delete_user(connection, user_id))
        await self._tokens.end(digests)
        return nothing()

    async def _replace(self, user: User, wanted: str, caller: Caller) -> list[str] | None:
        """Keep another password and end all logins but the one that asks: return the hashes (hex) of their tokens.

        None when somebody else has changed the password since it was compared.
        """
        hashed = await self._passwords.hash(wanted)
        assert caller.principal is not None  # noqa: S101
        token_id = caller.principal.token_id

        async def keep(connection: AsyncConnection) -> list[str] | None:
            async with connection.transaction():
                if not await replace_password_hash(connection, user.user_id, user.password_hash, hashed):
                    return None
                return await revoke_other_logins(connection, user.user_id, token_id)

        return await self._postgres.run(keep)

    async def _proven(self, user: User | None, who: str, password: str) -> User | None:
        """Return *user* if *password* is theirs, counting what is wrong; Problem 429 for too many guesses."""
        limit = self._settings.login_attempts
        attempt = await self._attempts.count("login", f"account {who}", limit, _LOGIN_SECONDS)
        if proven := await self._known(user, password):
            await self._attempts.take_back(attempt, _LOGIN_SECONDS)
        return proven

    async def _known(self, user: User | None, password: str) -> User | None:
        """Return *user*, hashed anew if need be, when *password* is theirs; for nobody it takes as long."""
        try:
            password = normal_password(password)
        except ValueError:
            password = ""  # nobody's
        matches = await self._passwords.matches(user and user.password_hash, password)
        if not user or not matches:
            return None
        if not self._passwords.is_outdated(user.password_hash):
            return user
        user_id, before, after = user.user_id, user.password_hash, await self._passwords.hash(password)
        if await self._postgres.run(lambda connection: replace_password_hash(connection, user_id, before, after)):
            return replace(user, password_hash=after)
        # Another login was quicker, or the password is another now.
        return await self._known(await self._postgres.run(lambda asked: select_user(asked, user_id)), password)

    async def _count(self, request: Request, what: str, limit: int, seconds: int) -> None:
        address = self._gate.client_address(request.scope, dict(request.scope["headers"]))
        await self._attempts.count(what, f"address {address}", limit, seconds)


def _checked(email: str, username: str | None, password: str) -> tuple[str, str | None, str]:
    """Return the three as they are kept and compared; Problem 400 that names what is wrong with each."""
    faults: list[tuple[str, str]] = []
    kept: list[str | None] = []
    for field, text, read in (
        ("email", email, normal_email),
        ("username", username, username_key),
        ("password", password, normal_password),
    ):
        try:
            kept.append(None if text is None else read(text))
        except ValueError as error:
            faults.append((field, str(error)))
    if faults:
        raise bad_parameters(faults)
    return f"{kept[0]}", kept[1], f"{kept[2]}"


def _scopes(text: str) -> list[str]:
    """Return the scopes that a login asks for, all when it names none; Problem 400 for one that there is not."""
    asked = text.split()
    if unknown := [scope for scope in asked if scope not in SCOPES]:
        raise bad_parameters([("scope", f"{unknown[0][:50]} is no scope; there are: {', '.join(SCOPES)}")])
    return [scope for scope in SCOPES if scope in asked or not asked]


def _unknown() -> Problem:
    return Problem(
        401,
        "wrong-credentials",
        "Wrong credentials",
        "There is no account with this name and password.",
        headers={"WWW-Authenticate": 'Bearer realm="stocksalot"'},
        error="invalid_grant",
    )


def _shown(user: User) -> dict[str, object]:
    return {
        "id": user.user_id,
        "email": user.email,
        "username": user.username,
        "created_at": rfc3339(user.created_at),
    }
