"""Registration and login."""

import hashlib
from typing import Any

import psutil
import pytest
from argon2 import PasswordHasher

from functions.token import passwords
from functions.token.response_models import RegistrationForm
from tests.accounts import PASSWORD, Tokens, bearer, serving_token_process, serving_tokens
from tests.reading import serving_process
from tests.token.rows import rows


def test_a_client_of_the_first_system_works(database_url: str, redis_url: str) -> None:
    """Registration and login by form, with empty OAuth2 fields too, and /latest with the bearer token."""
    with serving_tokens(database_url, redis_url) as tokens, serving_process(database_url, redis_url) as api:
        registered = tokens.client.post(
            "/users/register", data={"email": "first@example.com", "password": PASSWORD, "username": "first"}
        )
        oauth2 = {"grant_type": "", "scope": "", "client_id": "", "client_secret": ""}
        given = tokens.client.post("/token", data={"username": "first@example.com", "password": PASSWORD, **oauth2})
        latest = api.client.get("/latest", headers=bearer(given.json()["access_token"]))

    assert (registered.status_code, registered.json()["email"]) == (201, "first@example.com")
    assert registered.json()["status"] == "ok"
    assert (given.status_code, given.json()["token_type"]) == (200, "bearer")
    assert given.headers["cache-control"] == "no-store"
    assert (latest.status_code, latest.json()["count"]) == (200, 0)


def test_addresses_and_names_are_unique(tokens: Tokens) -> None:
    """A second registration is a 409, in whatever case and width the address or the name is written."""
    assert tokens.register("Once@Example.com", username="Once").status_code == 201

    for email, username in (
        ("once@example.com", ""),
        (" ONCE@EXAMPLE.COM ", ""),
        ("\uff4fnce@example.com", ""),
        ("other@example.com", "once"),
        ("other@example.com", "\uff2fNCE"),
    ):
        answer = tokens.register(email, username=username)
        assert (answer.status_code, answer.json()["type"].split("/")[-1]) == (409, "account-exists"), email
    assert tokens.register("other@example.com", username="twice").status_code == 201


@pytest.mark.parametrize(
    "form", [{"email": "absent@example.com"}, {"email": "empty@example.com", "username": ""}], ids=str
)
def test_an_account_needs_no_username(tokens: Tokens, form: dict[str, str]) -> None:
    """The field of an HTML form that stays empty is sent as an empty text."""
    form = {"password": PASSWORD, **form}

    answer = tokens.client.post("/users/register", data=form)

    assert (answer.status_code, answer.json()["username"]) == (201, None)
    RegistrationForm.model_validate(form)


@pytest.mark.parametrize("username", ["internal", "Internal", " INTERNAL ", "\uff49nternal"])
def test_the_name_internal_is_reserved(tokens: Tokens, username: str) -> None:
    """The user name internal is a 403, in whatever case and width."""
    answer = tokens.register("nobody@example.com", username=username)

    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"password": PASSWORD}, "email"),
        ({"email": "", "password": PASSWORD}, "email"),
        ({"email": "a@example.com"}, "password"),
        ({"email": "no address", "password": PASSWORD}, "email"),
        ({"email": "@example.com", "password": PASSWORD}, "email"),
        ({"email": "a@", "password": PASSWORD}, "email"),
        ({"email": "a@b@example.com", "password": PASSWORD}, "email"),
        ({"email": "a..b@example.com", "password": PASSWORD}, "email"),
        ({"email": "a@exa mple.com", "password": PASSWORD}, "email"),
        ({"email": "a@-example.com", "password": PASSWORD}, "email"),
        ({"email": "a\x00@example.com", "password": PASSWORD}, "email"),
        ({"email": "a\r\nbcc:b@example.com", "password": PASSWORD}, "email"),
        ({"email": "a" * 65 + "@example.com", "password": PASSWORD}, "email"),
        ({"email": "a@" + "b." * 125 + "com", "password": PASSWORD}, "email"),
        ({"email": "a@example.com", "password": "seven77"}, "password"),
        ({"email": "a@example.com", "password": "iloveyou1"}, "password"),
        ({"email": "a@example.com", "password": "\uff30assword1"}, "password"),
        ({"email": "swordfish@example.com", "password": "Swordfish@example.com"}, "password"),
        ({"email": "a@example.com", "password": "x" * 1025}, "password"),
        ({"email": "a@example.com", "password": "ä" * 513}, "password"),
        ({"email": "a@example.com", "password": PASSWORD, "username": "a@b"}, "username"),
        ({"email": "a@example.com", "password": PASSWORD, "username": "a\x00b"}, "username"),
        ({"email": "a@example.com", "password": PASSWORD, "username": " "}, "username"),
        ({"email": "a@example.com", "password": PASSWORD, "username": "x" * 65}, "username"),
        ({"email": ["a@example.com", "b@example.com"], "password": PASSWORD}, "email"),
    ],
)
def test_an_invalid_registration_is_a_400(tokens: Tokens, fields: dict[str, Any], parameter: str) -> None:
    """The problem names the field and repeats no value."""
    answer = tokens.client.post("/users/register", data=fields)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]
    assert PASSWORD not in answer.text


def test_all_invalid_fields_are_named(tokens: Tokens) -> None:
    """Three invalid fields are three errors."""
    answer = tokens.register("no address", "short", username="a@b")

    assert [fault["parameter"] for fault in answer.json()["errors"]] == ["email", "username", "password"]


@pytest.mark.parametrize(
    ("chosen", "typed", "same"),
    [
        ("Stra\u00dfe und Caf\u00e9", "Stra\u00dfe und Cafe\u0301", True),
        ("p\u00e4ssw\u00f6rter \U0001f40e", "p\u00e4ssw\u00f6rter \U0001f40e", True),
        ("\ufb01ne password", "fine password", True),
        ("x" * 1024, "x" * 1024, True),
        (" leading and trailing ", "leading and trailing", False),
        ("CASE matters", "case matters", False),
        ("null\x00character", "null\x00character", True),
        ("null\x00character", "null\x00", False),
        ("a+b&c=d%20", "a+b&c=d%20", True),
    ],
)
def test_a_password_is_any_text(tokens: Tokens, chosen: str, typed: str, same: bool) -> None:
    """Passwords are up to 1,024 bytes of Unicode and compared in NFKC."""
    name = "text" + hashlib.md5(f"{chosen} {typed}".encode()).hexdigest()
    assert tokens.register(f"{name}@example.com", chosen).status_code == 201

    assert tokens.log_in(f"{name}@example.com", typed).status_code == (200 if same else 401)


def test_a_login_takes_the_name_or_the_address(tokens: Tokens) -> None:
    """Either, in whatever case and width; other fields of the form are ignored."""
    tokens.register("either@example.com", username="Either")

    for name in ("either", "EITHER", "\uff25ither", " either@Example.com", "either\uff20example.com"):
        assert tokens.log_in(name, client_id="x", client_secret="", grant_type="password").status_code == 200
    assert tokens.log_in("either", grant_type="refresh_token").status_code == 400
    assert tokens.log_in("either", scope="read").json()["scope"] == "read"
    assert tokens.log_in("either", scope="read everything").status_code == 400


def test_an_unknown_account_is_like_a_wrong_password(database: str, module_redis_url: str) -> None:
    """An unknown account has the same status, text, headers and CPU time as a wrong password."""
    taken = dict.fromkeys(("known@example.com", "stranger@example.com", "stranger"), 0.0)
    answers = {}
    with serving_token_process(database, module_redis_url) as api:
        tokens = Tokens(api.client)
        tokens.register("known@example.com", username="known")
        process = psutil.Process(api.pid)
        for _ in range(7):
            for name in taken:
                before = sum(process.cpu_times()[:2])
                answers[name] = tokens.log_in(name, "not the password")
                taken[name] += sum(process.cpu_times()[:2]) - before

    said = [
        (answer.status_code, answer.text, {k: v for k, v in answer.headers.items() if k not in VARYING})
        for answer in answers.values()
    ]
    assert said[0][0] == 401
    assert said[0] == said[1] == said[2]
    known, stranger, nobody = taken.values()
    assert 0.75 < stranger / known < 1.33, taken
    assert 0.75 < nobody / known < 1.33, taken
    (stored,) = rows(database, "SELECT password_hash FROM users WHERE email = 'known@example.com'")[0]
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")


VARYING = {"date", "x-request-id", "ratelimit"}


def test_a_login_renews_an_old_hash(tokens: Tokens, database: str) -> None:
    """A right password replaces a hash with outdated parameters, once."""
    tokens.register("old@example.com")
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    rows(database, "UPDATE users SET password_hash = %s WHERE email = 'old@example.com'", weak)

    def kept() -> str:
        return rows(database, "SELECT password_hash FROM users WHERE email = 'old@example.com'")[0][0]

    wrong = tokens.log_in("old@example.com", "not it").status_code
    after_wrong = kept()
    right = tokens.log_in("old@example.com").status_code
    renewed = kept()

    assert (wrong, after_wrong, right) == (401, weak, 200)
    assert renewed.startswith(f"$argon2id$v=19$m={passwords.MEMORY_KIB},t={passwords.TIME_COST},p=1$")
    assert tokens.log_in("old@example.com").status_code == 200
    assert kept() == renewed
