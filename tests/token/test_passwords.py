"""A password is changed by who knows it, and whoever else was logged in is out."""

import time

import pytest

from tests.people import PASSWORD, Person, Tokens, bearer, serving_tokens
from tests.waiting import until_a_minute_has

OTHER = "another swordfish \N{FISH}"


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
