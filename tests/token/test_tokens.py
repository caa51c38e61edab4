"""Tokens are created, listed, rotated and revoked by their owners alone."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.auth.token_format import is_well_formed
from tests.accounts import PASSWORD, Person, Tokens, bearer, serving_token_process, wait_until_refused
from tests.token.rows import rows
from tests.waiting import wait_until


def test_a_token_is_created_listed_and_revoked(person: Person) -> None:
    """A token has a name, scopes and an end, and the list does not show the token itself."""
    made = person.make(name="pandas at work", scopes=["read"], expires_in_days=7)
    [login, listed] = person.ask("GET", "/tokens").json()["items"]
    location = person.ask("POST", "/tokens", 201, json={"name": "b"}).headers["location"]
    person.ask("DELETE", f"/tokens/{made['id']}", 204)

    assert is_well_formed(made["token"].encode())
    assert (listed["name"], listed["scopes"], listed["current"]) == ("pandas at work", ["read"], False)
    assert (login["name"], login["scopes"], login["current"]) == ("login", ["read", "account", "alerts"], True)
    assert "token" not in listed
    week = datetime.fromisoformat(listed["expires_at"]) - datetime.fromisoformat(listed["created_at"])
    assert abs(week - timedelta(days=7)) < timedelta(seconds=5)
    assert set(person.ids()) == {"login", "b"}
    assert location == f"tokens/{person.ids()['b']}"
    person.ask("DELETE", f"/tokens/{made['id']}", 204)  # once more changes nothing


def test_a_token_lives_a_year_by_default(tokens: Tokens, person: Person) -> None:
    """API_TOKEN_EXPIRY_DAYS is 365; a requested end is exact to the second."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    made, chosen = person.make(), person.make(expires_at=end.isoformat())

    year = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert abs(year - timedelta(days=365)) < timedelta(seconds=10)
    assert datetime.fromisoformat(chosen["expires_at"]) == end


@pytest.mark.parametrize(
    ("fields", "parameter"),
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
def test_an_invalid_request_for_a_token_is_a_400(person: Person, fields: dict[str, Any], parameter: str) -> None:
    """The problem names the wrong member of the body."""
    problem = person.ask("POST", "/tokens", 400, json=fields).json()

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
def test_an_invalid_json_body_is_a_4xx(person: Person, body: bytes, kind: str, status: int) -> None:
    """Broken, deeply nested, foreign and large bodies are problems."""
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
        (
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\na\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"username=a&password=b", "application/x-www-form-urlencoded; " + "(" * 20000, 415),
        (b"a", "", 415),
    ],
)
def test_an_invalid_form_is_a_4xx(tokens: Tokens, body: bytes, kind: str, status: int) -> None:
    """Foreign, large and broken forms are problems, and so are files in them."""
    answer = tokens.client.post("/token", content=body, headers={"Content-Type": kind} if kind else {})

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert tokens.client.get("/tokens").status_code == 401


def test_a_form_may_be_multipart(tokens: Tokens) -> None:
    """FormData of a browser registers and logs in."""
    fields = {"email": "multi@example.com", "password": "pässwort mit ümläuten"}
    registered = tokens.client.post("/users/register", files={name: (None, value) for name, value in fields.items()})
    form = {"username": fields["email"], "password": fields["password"]}
    given = tokens.client.post("/token", files={name: (None, value) for name, value in form.items()})

    assert (registered.status_code, given.status_code) == (201, 200)


def test_a_slow_body_is_a_408(database: str, module_redis_url: str) -> None:
    """A body that does not arrive within ten seconds is not waited for."""
    with (
        serving_token_process(database, module_redis_url) as api,
        socket.create_connection(("127.0.0.1", api.client.base_url.port or 80), 20) as connection,
    ):
        connection.sendall(
            b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=a"
        )
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


def test_a_rotation_has_an_overlap(person: Person, database: str) -> None:
    """The new token is like the old one, which ends after the overlap; a token is rotated once."""
    made = person.make(name="ci", expires_in_days=30)
    rotated = person.ask("POST", f"/tokens/{made['id']}/rotate", 201, json={"overlap_seconds": 60})
    new = rotated.json()
    again = person.client.post(f"/tokens/{made['id']}/rotate", headers=person.headers)

    listed = {item["id"]: item for item in person.ask("GET", "/tokens").json()["items"]}
    old_end = datetime.fromisoformat(listed[made["id"]]["expires_at"]) - datetime.now(UTC)
    new_end = datetime.fromisoformat(new["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=40) < old_end <= timedelta(seconds=60)
    assert abs(new_end - timedelta(days=30)) < timedelta(seconds=10)
    assert (new["name"], new["scopes"], new["replaces"]) == ("ci", ["read"], made["id"])
    assert listed[made["id"]]["replaced_by"] == new["id"]
    assert again.status_code == 404
    assert rotated.url.join(rotated.headers["location"]).path == f"/tokens/{new['id']}"
    both = [
        person.client.get("/users/me", headers=bearer(token)).status_code for token in (made["token"], new["token"])
    ]
    assert both == [403, 403]  # known, and without the scope


def test_a_rotation_without_overlap_ends_the_old_token(person: Person) -> None:
    """overlap_seconds 0 is a revocation, 1 to 9 a 400, and the default an hour."""
    made, other = person.make(), person.make()
    person.ask("POST", f"/tokens/{made['id']}/rotate", 201, json={"overlap_seconds": 0})
    person.ask("POST", f"/tokens/{other['id']}/rotate", 400, json={"overlap_seconds": 5})
    person.ask("POST", f"/tokens/{other['id']}/rotate", 201)

    assert person.client.get("/users/me", headers=bearer(made["token"])).status_code == 401


def test_tokens_of_other_accounts_are_unknown(tokens: Tokens) -> None:
    """They are not listed, and revoking or rotating one is the 404 of a token that never existed."""
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
     ("POST", "/tokens/x/rotate"), ("POST", "/users/me/password"), ("DELETE", "/tokens")],
)  # fmt: skip
def test_an_account_needs_the_scope_account(tokens: Tokens, person: Person, method: str, path: str) -> None:
    """Without a token a 401, with the scope read a 403, and each names what is needed."""
    reader = person.make(scopes=["read"])["token"]

    without = tokens.client.request(method, path)
    reading = tokens.client.request(method, path, headers=bearer(reader))

    assert (without.status_code, without.headers["www-authenticate"]) == (401, 'Bearer realm="stocksalot"')
    assert (reading.status_code, reading.json()["type"].split("/")[-1]) == (403, "insufficient-scope")
    assert 'error="insufficient_scope", scope="account"' in reading.headers["www-authenticate"]


def test_every_token_may_revoke_itself(person: Person) -> None:
    """A log-out needs no scope."""
    reader = person.make(scopes=["read"])["token"]

    ended = person.client.delete("/tokens/current", headers=bearer(reader)).status_code
    wait_until_refused(person.client, reader)

    assert ended == 204
    assert person.client.delete("/tokens/current").status_code == 401


def test_only_the_newest_twenty_logins_stay(tokens: Tokens, person: Person, database: str) -> None:
    """The oldest logins are revoked; tokens are not."""
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

    wait_until_refused(tokens.client, person.token)
    kept = tokens.client.get("/tokens", headers=bearer(newest.json()["access_token"])).json()["items"]
    assert sum(item["kind"] == "login" for item in kept) == 20
    assert tokens.client.get("/users/me", headers=bearer(named)).status_code == 403


def last_uses(person: Person) -> dict[str, Any]:
    """The last use of each token of the account, by its id."""
    return {item["id"]: item["last_used_at"] for item in person.ask("GET", "/tokens").json()["items"]}


def test_the_list_has_the_last_use(tokens: Tokens, person: Person, database: str) -> None:
    """The last use is exact to the minute, and stored once its owner has listed it."""
    made = person.make()
    before = last_uses(person)
    tokens.client.get("/users/me", headers=bearer(made["token"]))
    after = wait_until(lambda: last_uses(person)[made["id"]])

    assert before[made["id"]] is None
    used = datetime.fromisoformat(after)
    assert abs(datetime.now(UTC) - used) < timedelta(seconds=10)
    assert rows(database, "SELECT used_at FROM tokens WHERE token_id = %s", made["id"])[0][0] == used


def test_a_deleted_account_leaves_nothing(tokens: Tokens, database: str) -> None:
    """DELETE /users/me needs the password, leaves no row, ends every token at once, and frees the address."""
    person = tokens.person("leaving")
    other = person.make(scopes=["read"])["token"]
    user_id = person.ask("GET", "/users/me").json()["id"]

    missing = person.ask("DELETE", "/users/me", 400, data={"other": "field"}).json()
    person.ask("DELETE", "/users/me", 403, data={"password": "not the password"})
    person.ask("DELETE", "/users/me", 204, data={"password": PASSWORD})

    wait_until_refused(tokens.client, person.token, other)
    assert missing["errors"][0]["parameter"] == "password"
    assert rows(database, "SELECT 1 FROM users WHERE user_id = %s", user_id) == []
    assert rows(database, "SELECT 1 FROM tokens WHERE user_id = %s", user_id) == []
    assert tokens.log_in("leaving").status_code == 401
    assert tokens.register("leaving@example.com", username="leaving").status_code == 201
