"""Tokens are made, listed, replaced and ended by their owners, and by nobody else."""

import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.auth.token_format import is_well_formed
from tests.people import Person, Tokens, bearer
from tests.token.rooms import rows


def test_a_token_is_made_listed_and_ended(person: Person) -> None:
    """With a name, scopes and an end; the list never shows the token itself."""
    made = person.make(name="pandas at work", scopes=["read"], expires_in_days=7)
    [login, listed] = person.ask("GET", "/tokens").json()["items"]
    location = person.ask("POST", "/tokens", 201, json={"name": "b"}).headers["location"]
    person.ask("DELETE", f"/tokens/{made['id']}", 204)

    assert is_well_formed(made["token"].encode())
    assert (listed["name"], listed["scopes"], listed["current"]) == ("pandas at work", ["read"], False)
    assert (login["name"], login["scopes"], login["current"]) == ("login", ["read", "account"], True)
    assert "token" not in listed
    week = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(listed["created_at"])
    assert abs(week - timedelta(days=7)) < timedelta(seconds=5)
    assert set(person.ids()) == {"login", "b"}
    assert location == f"tokens/{person.ids()['b']}"
    person.ask("DELETE", f"/tokens/{made['id']}", 204)  # once more changes nothing


def test_tokens_live_a_year_unless_said_otherwise(tokens: Tokens, person: Person) -> None:
    """API_TOKEN_EXPIRY_DAYS is 365; an end of one's own is kept to the second."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    made, chosen = person.make(), person.make(expires_at=end.isoformat())

    year = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert abs(year - timedelta(days=365)) < timedelta(seconds=10)
    assert datetime.fromisoformat(chosen["expires_at"]) == end


@pytest.mark.parametrize(
    ("wish", "parameter"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["admin"]}, "scopes"),
        ({"name": "a", "scopes": "read"}, "scopes"),
        ({"name": "a", "expires_in_days": 0}, "expires_in_days"),
        ({"name": "a", "expires_in_days": 99999}, "expires_in_days"),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "a", "expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "a", "expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"name": "a", "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "a", "colour": "red"}, ""),
    ],
)
def test_a_token_that_cannot_be_is_refused(person: Person, wish: dict[str, Any], parameter: str) -> None:
    """400 names the member of the body that is wrong."""
    problem = person.ask("POST", "/tokens", 400, json=wish).json()

    assert parameter in problem["errors"][0]["parameter"] or parameter in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"name": "a"', "application/json", 400),
        (b"[" * 100000, "application/json", 413),
        (b"[" * 10000, "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b"name=a", "application/x-www-form-urlencoded", 415),
        (b"<name/>", "text/xml", 415),
        (b"null", "application/json", 400),
        (b'"a"', "application/json", 400),
    ],
)
def test_a_body_that_is_none_is_refused(person: Person, body: bytes, kind: str, status: int) -> None:
    """Broken, deep, foreign or big bodies are a clean 4xx."""
    answer = person.client.post("/tokens", content=body, headers={**person.headers, "Content-Type": kind})

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"username": "a", "password": "b"}', "application/json", 415),
        (b"username=a&password=b&" + b"x" * 20000, "application/x-www-form-urlencoded", 413),
        (b"x" * 10_000_000, "application/x-www-form-urlencoded", 413),
        (b"username=%ff&password=b", "application/x-www-form-urlencoded", 400),
        (b"username=a&password=b" + b"&c=d" * 50, "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"username=a", "multipart/form-data", 400),
        (b"a", "", 415),
    ],
)
def test_a_form_that_is_none_is_refused(tokens: Tokens, body: bytes, kind: str, status: int) -> None:
    """So are forms."""
    answer = tokens.client.post("/token", content=body, headers={"Content-Type": kind} if kind else {})

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert tokens.client.get("/tokens").status_code == 401


def test_a_page_may_send_its_form_as_multipart(tokens: Tokens) -> None:
    """FormData is what many pages send."""
    fields = {"email": "multi@example.com", "password": "pässwort mit ümläuten"}
    registered = tokens.client.post("/users/register", files={name: (None, value) for name, value in fields.items()})
    form = {"username": fields["email"], "password": fields["password"]}
    given = tokens.client.post("/token", files={name: (None, value) for name, value in form.items()})

    assert (registered.status_code, given.status_code) == (201, 200)


def test_a_body_that_does_not_come_is_not_waited_for(tokens: Tokens) -> None:
    """After ten seconds a slow body is answered 408."""
    port = tokens.client.base_url.port or 80
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(
            b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=a"
        )
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


def test_a_token_is_replaced_with_an_overlap(person: Person, database: str) -> None:
    """The new one is like the old one, which ends when the overlap does; a token is replaced once."""
    made = person.make(name="ci", expires_in_days=30)
    new = person.ask("POST", f"/tokens/{made['id']}/rotate", 201, json={"overlap_seconds": 60}).json()
    again = person.client.post(f"/tokens/{made['id']}/rotate", headers=person.headers)

    listed = {item["id"]: item for item in person.ask("GET", "/tokens").json()["items"]}
    old_end = datetime.fromisoformat(listed[made["id"]]["expires_at"]) - datetime.now(UTC)
    new_end = datetime.fromisoformat(new["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=40) < old_end <= timedelta(seconds=60)
    assert abs(new_end - timedelta(days=30)) < timedelta(seconds=10)
    assert (new["name"], new["scopes"], new["replaces"]) == ("ci", ["read"], made["id"])
    assert listed[made["id"]]["replaced_by"] == new["id"]
    assert again.status_code == 404
    both = [
        person.client.get("/users/me", headers=bearer(token)).status_code for token in (made["token"], new["token"])
    ]
    assert both == [403, 403]  # known, and without the scope


def test_a_replacement_without_overlap_ends_the_old_token(person: Person) -> None:
    """overlap_seconds 0 is for a token that has leaked; a few seconds are refused, an hour is the default."""
    made, other = person.make(), person.make()
    person.ask("POST", f"/tokens/{made['id']}/rotate", 201, json={"overlap_seconds": 0})
    person.ask("POST", f"/tokens/{other['id']}/rotate", 400, json={"overlap_seconds": 5})
    person.ask("POST", f"/tokens/{other['id']}/rotate", 201)

    assert person.client.get("/users/me", headers=bearer(made["token"])).status_code == 401


def test_the_tokens_of_others_are_not_there(tokens: Tokens) -> None:
    """Neither listed, nor ended, nor replaced, and not told from tokens that never were."""
    mine, theirs = tokens.person("mine"), tokens.person("theirs")
    foreign = theirs.ids()["login"]
    never = "0b7f8a6e-3a52-4c0e-9c7f-2f4b1f6f9f10"

    def both(token_id: str) -> list[httpx.Response]:
        asked = (("DELETE", f"/tokens/{token_id}"), ("POST", f"/tokens/{token_id}/rotate"))
        return [mine.client.request(method, path, headers=mine.headers) for method, path in asked]

    answers = [both(one) for one in (foreign, never, "no-id", "current%00")]

    assert {answer.status_code for some in answers for answer in some} == {404}
    assert answers[0][0].json()["detail"] == answers[1][0].json()["detail"]
    assert foreign not in mine.ask("GET", "/tokens").text
    theirs.ask("GET", "/users/me")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/tokens"), ("POST", "/tokens"), ("GET", "/users/me"), ("DELETE", "/users/me"), ("DELETE", "/tokens/x"),
     ("POST", "/tokens/x/rotate"), ("POST", "/users/me/password")],
)  # fmt: skip
def test_an_account_is_its_owners_alone(tokens: Tokens, person: Person, method: str, path: str) -> None:
    """Without a token 401, with one that may only read 403: each says what is needed."""
    reader = person.make(scopes=["read"])["token"]

    without = tokens.client.request(method, path)
    reading = tokens.client.request(method, path, headers=bearer(reader))

    assert (without.status_code, without.headers["www-authenticate"]) == (401, 'Bearer realm="stocksalot"')
    assert (reading.status_code, reading.json()["type"].split("/")[-1]) == (403, "insufficient-scope")
    assert 'error="insufficient_scope", scope="account"' in reading.headers["www-authenticate"]


def test_every_token_may_end_itself(person: Person) -> None:
    """Logging out needs no scope."""
    reader = person.make(scopes=["read"])["token"]

    ended = person.client.delete("/tokens/current", headers=bearer(reader)).status_code
    time.sleep(1)
    after = person.client.delete("/tokens/current", headers=bearer(reader)).status_code

    assert (ended, after) == (204, 401)
    assert person.client.delete("/tokens/current").status_code == 401


def test_of_logins_the_newest_twenty_stay(tokens: Tokens, person: Person, database: str) -> None:
    """A script that logs in every hour does not pile up tokens; those that were made by name are left alone."""
    named = person.make(name="kept")["token"]
    user_id = person.ask("GET", "/users/me").json()["id"]
    rows(
        database,
        """INSERT INTO tokens (user_id, hash, name, is_login, scopes, expires_at)
           SELECT %s::uuid, sha256(%s::text::bytea || n::text::bytea), 'login', true, '{read}', now() + interval '1 day'
             FROM generate_series(1, 25) AS n""",
        user_id,
        user_id,
    )

    newest = tokens.log_in(tokens.client.get("/users/me", headers=person.headers).json()["username"])

    time.sleep(1)
    kept = tokens.client.get("/tokens", headers=bearer(newest.json()["access_token"])).json()["items"]
    assert sum(item["name"] == "login" for item in kept) == 20
    assert tokens.client.get("/users/me", headers=bearer(named)).status_code == 403
    assert tokens.client.get("/users/me", headers=person.headers).status_code == 401


def test_the_list_says_when_a_token_was_used(tokens: Tokens, person: Person, database: str) -> None:
    """To the minute, and it is kept once its owner has looked."""
    made = person.make()
    before = {item["id"]: item["last_used_at"] for item in person.ask("GET", "/tokens").json()["items"]}
    tokens.client.get("/users/me", headers=bearer(made["token"]))
    deadline = time.monotonic() + 5
    while (after := {item["id"]: item["last_used_at"] for item in person.ask("GET", "/tokens").json()["items"]})[
        made["id"]
    ] is None:
        assert time.monotonic() < deadline

    assert before[made["id"]] is None
    used = datetime.fromisoformat(after[made["id"]])
    assert abs(datetime.now(UTC) - used) < timedelta(seconds=10)
    assert rows(database, "SELECT used_at FROM tokens WHERE token_id = %s", made["id"])[0][0] == used


def test_an_account_goes_with_all_it_has(tokens: Tokens, database: str) -> None:
    """DELETE /users/me leaves no row, ends every token at once, and the address is free again."""
    person = tokens.person("leaving")
    other = person.make(scopes=["read"])["token"]
    user_id = person.ask("GET", "/users/me").json()["id"]

    person.ask("DELETE", "/users/me", 204)
    time.sleep(1)

    assert [tokens.client.get("/tokens", headers=bearer(one)).status_code for one in (person.token, other)] == [
        401,
        401,
    ]
    assert rows(database, "SELECT 1 FROM users WHERE user_id = %s", user_id) == []
    assert rows(database, "SELECT 1 FROM tokens WHERE user_id = %s", user_id) == []
    assert tokens.log_in("leaving").status_code == 401
    assert tokens.register("leaving@example.com", username="leaving").status_code == 201
