"""Password changes: the current password is needed, and all other logins end."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher

from tests.accounts import PASSWORD, Person, Tokens, bearer, serving_tokens, wait_until_refused
from tests.token.rows import rows
from tests.waiting import wait_until

OTHER = "another swordfish \N{FISH}"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def change(person: Person, new: str = OTHER, old: str = PASSWORD, status: int = 200) -> dict[str, Any]:
    """The answer to a change of the password."""
    form = {"password": old, "new_password": new}
    return person.ask("POST", "/users/me/password", status, data=form).json()


def test_the_new_password_logs_in_and_the_old_one_does_not(tokens: Tokens, person: Person) -> None:
    """The new password is valid at once, in any composition of its accents."""
    email = person.ask("GET", "/users/me").json()["email"]

    change(person, "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}ner Fisch")

    assert tokens.log_in(email).status_code == 401
    assert tokens.log_in(email, "gru\N{COMBINING DIAERESIS}ner Fisch").status_code == 200


def test_other_logins_end_and_named_tokens_stay(tokens: Tokens, person: Person) -> None:
    """All logins end within a second but the one that asks; tokens stay, and the answer lists them with their kind."""
    email = person.ask("GET", "/users/me").json()["email"]
    elsewhere = tokens.log_in(email).json()["access_token"]
    named = person.make(name="login", scopes=["account"])["token"]

    staying = [(item["kind"], item["name"], item["current"]) for item in change(person)["items"]]
    wait_until_refused(tokens.client, elsewhere)
    after = [tokens.client.get("/users/me", headers=bearer(one)).status_code for one in (person.token, named)]

    assert after == [200, 200]
    assert staying == [("login", "login", True), ("token", "login", False)]


def test_a_login_that_was_rotated_is_a_login_still(tokens: Tokens, person: Person) -> None:
    """A login cannot survive a password change by being rotated."""
    elsewhere = Person(
        person.client, tokens.log_in(person.ask("GET", "/users/me").json()["email"]).json()["access_token"]
    )
    rotated = elsewhere.ask("POST", "/tokens/current/rotate", 201).json()["token"]

    change(person)

    wait_until_refused(tokens.client, rotated)


def test_a_login_during_the_change_fails(tokens: Tokens, person: Person, database: str) -> None:
    """A password that was right when it was verified, and is not any more, gets no token and changes nothing."""
    account = person.ask("GET", "/users/me").json()
    with psycopg.connect(database) as changing, ThreadPoolExecutor() as threads:
        changing.execute("UPDATE users SET password_hash = '$argon2id$another' WHERE user_id = %s", [account["id"]])
        login = threads.submit(tokens.log_in, account["email"])
        change_too = threads.submit(change, person, status=403)
        wait_until(lambda: rows(database, WAITING) == [(2,)])
        changing.commit()

    assert login.result().status_code == 401
    assert f"{change_too.result()['type']}".endswith("/wrong-password")
    assert rows(database, "SELECT count(*) FROM tokens WHERE user_id = %s::uuid", account["id"]) == [(1,)]


def test_two_logins_may_renew_an_old_hash_at_once(tokens: Tokens, person: Person, database: str) -> None:
    """Two logins from two addresses rehash at the same moment, and both succeed."""
    account = person.ask("GET", "/users/me").json()
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    rows(database, "UPDATE users SET password_hash = %s WHERE user_id = %s::uuid", weak, account["id"])

    with psycopg.connect(database) as holding, ThreadPoolExecutor() as threads:
        holding.execute("SELECT FROM users WHERE user_id = %s FOR UPDATE", [account["id"]])
        form = {"username": account["email"], "password": PASSWORD}
        logins = [
            threads.submit(tokens.client.post, "/token", data=form, headers={"X-Forwarded-For": f"192.0.2.{number}"})
            for number in (1, 2)
        ]
        wait_until(lambda: rows(database, WAITING) == [(2,)])
        holding.rollback()

    assert [login.result().status_code for login in logins] == [200, 200]


def test_a_change_needs_the_current_password(tokens: Tokens, person: Person) -> None:
    """A wrong password is a 403 that changes nothing, whatever the token."""
    email = person.ask("GET", "/users/me").json()["email"]

    problem = change(person, old="not the password", status=403)

    assert f"{problem['type']}".endswith("/wrong-password")
    assert tokens.log_in(email).status_code == 200


@pytest.mark.usefixtures("still_minute")
def test_guesses_with_a_token_are_limited(database_url: str, redis_url: str) -> None:
    """Guesses with a stolen token count like guesses at a login."""
    with serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="3") as tokens:
        person = tokens.person("guessed")
        statuses = [
            person.client.post(
                "/users/me/password",
                data={"password": f"guess {number}", "new_password": OTHER},
                headers=person.headers,
            ).status_code
            for number in range(5)
        ]

        assert statuses == [403, 403, 403, 429, 429]
        assert tokens.log_in("guessed").status_code == 429


@pytest.mark.parametrize(
    ("form", "parameter"),
    [
        ({"password": PASSWORD}, "new_password"),
        ({"new_password": OTHER}, "password"),
        ({"password": PASSWORD, "new_password": "seven77"}, "new_password"),
        ({"password": PASSWORD, "new_password": "x" * 1025}, "new_password"),
        ({"password": PASSWORD, "new_password": "Password1"}, "new_password"),
    ],
)
def test_an_invalid_password_is_a_400(person: Person, form: dict[str, str], parameter: str) -> None:
    """A field that is missing, too short, too long or too common is named."""
    problem = person.ask("POST", "/users/me/password", 400, data=form).json()

    assert [error["parameter"] for error in problem["errors"]] == [parameter]
