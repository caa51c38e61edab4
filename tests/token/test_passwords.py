"""A password is changed by who knows it, and whoever else was logged in is out."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from argon2 import PasswordHasher

from tests.people import PASSWORD, Person, Tokens, bearer, serving_tokens
from tests.token.rooms import rows
from tests.waiting import until_a_minute_has, wait_until

OTHER = "another swordfish \N{FISH}"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def change(person: Person, new: str = OTHER, old: str = PASSWORD, status: int = 204) -> dict[str, object]:
    """Try to change the password; what a problem says."""
    form = {"password": old, "new_password": new}
    answer = person.ask("POST", "/users/me/password", status, data=form)
    return answer.json() if answer.content else {}


def test_the_new_password_logs_in_and_the_old_one_does_not(tokens: Tokens, person: Person) -> None:
    """At once, as it is written or as another keyboard writes it."""
    email = person.ask("GET", "/users/me").json()["email"]

    change(person, "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}ner Fisch")

    assert tokens.log_in(email).status_code == 401
    assert tokens.log_in(email, "gru\N{COMBINING DIAERESIS}ner Fisch").status_code == 200


def test_other_logins_end_and_named_tokens_stay(tokens: Tokens, person: Person) -> None:
    """Who was logged in with the old password is out within a second; the tab that asks and the programs go on."""
    email = person.ask("GET", "/users/me").json()["email"]
    elsewhere = tokens.log_in(email).json()["access_token"]
    named = person.make(scopes=["account"])["token"]

    change(person)
    time.sleep(1)
    after = [
        tokens.client.get("/users/me", headers=bearer(one)).status_code for one in (person.token, named, elsewhere)
    ]

    assert after == [200, 200, 401]


def test_a_login_that_was_rotated_is_a_login_still(tokens: Tokens, person: Person) -> None:
    """Whoever was let in by the password cannot stay by rotating the token."""
    elsewhere = Person(
        person.client, tokens.log_in(person.ask("GET", "/users/me").json()["email"]).json()["access_token"]
    )
    rotated = elsewhere.ask("POST", "/tokens/current/rotate", 201).json()["token"]

    change(person)
    time.sleep(1)

    assert tokens.client.get("/users/me", headers=bearer(rotated)).status_code == 401


def test_who_logs_in_while_it_is_changed_gets_nothing_for_the_old_one(
    tokens: Tokens, person: Person, database: str
) -> None:
    """A password that was right when it was compared, and another when that is answered, opens and changes nothing."""
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
    """One of them is quicker, and both are let in."""
    account = person.ask("GET", "/users/me").json()
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    rows(database, "UPDATE users SET password_hash = %s WHERE user_id = %s::uuid", weak, account["id"])

    with psycopg.connect(database) as holding, ThreadPoolExecutor() as threads:
        holding.execute("SELECT FROM users WHERE user_id = %s FOR UPDATE", [account["id"]])
        logins = [threads.submit(tokens.log_in, account["email"]) for _ in range(2)]
        wait_until(lambda: rows(database, WAITING) == [(2,)])
        holding.rollback()

    assert [login.result().status_code for login in logins] == [200, 200]


def test_nobody_changes_it_without_knowing_it(tokens: Tokens, person: Person) -> None:
    """A token alone is not enough: the wrong password is a 403 that leaves everything as it was."""
    email = person.ask("GET", "/users/me").json()["email"]

    problem = change(person, old="not the password", status=403)

    assert f"{problem['type']}".endswith("/wrong-password")
    assert tokens.log_in(email).status_code == 200


def test_guessing_it_ends_soon(database_url: str, redis_url: str) -> None:
    """Guesses with a stolen token count like guesses at the door."""
    with serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="3") as tokens:
        person = tokens.person("guessed")
        until_a_minute_has(15)
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
    ],
)
def test_a_password_that_cannot_be_is_named(person: Person, form: dict[str, str], parameter: str) -> None:
    """What is missing, too short or too long is said before anything is compared."""
    problem = person.ask("POST", "/users/me/password", 400, data=form).json()

    assert [error["parameter"] for error in problem["errors"]] == [parameter]
