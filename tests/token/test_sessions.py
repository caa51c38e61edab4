"""Logins and tokens are two kinds: lifetimes, limits, "end all sessions", and a change of the key."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.accounts import Person, Tokens, bearer, serving_tokens, wait_until_refused
from tests.token.rows import rows

ANOTHER_KEY = "another secret, as long as it has to be"


def email(person: Person) -> str:
    """The address of an account."""
    return person.ask("GET", "/users/me").json()["email"]


def test_a_login_lasts_thirty_days_rotated_or_not(tokens: Tokens, person: Person) -> None:
    """expires_in of a login is its lifetime; rotation does not extend a login, but does renew a token."""
    login = tokens.log_in(email(person)).json()
    before, rotated = (
        person.ask("GET", "/tokens").json()["items"][0],
        person.ask("POST", "/tokens/current/rotate", 201).json(),
    )

    assert login["expires_in"] == 30 * 24 * 3600
    month = datetime.fromisoformat(before["expires_at"]) - datetime.now(UTC)
    assert abs(month - timedelta(days=30)) < timedelta(minutes=5)
    assert (rotated["kind"], rotated["expires_at"]) == ("login", before["expires_at"])


@pytest.mark.parametrize(("query", "named"), [("", 403), ("?kind=login", 403), ("?kind=all", 401)])
def test_all_sessions_end_at_once(tokens: Tokens, person: Person, query: str, named: int) -> None:
    """All logins end within a second, the one that asks too; tokens end with kind=all alone."""
    elsewhere = tokens.log_in(email(person)).json()["access_token"]
    token = person.make()["token"]

    person.ask("DELETE", f"/tokens{query}", 204)
    wait_until_refused(tokens.client, person.token, elsewhere, *([token] if named == 401 else []))

    assert tokens.client.get("/users/me", headers=bearer(token)).status_code == named


def test_an_unknown_kind_is_a_400(person: Person) -> None:
    """Nothing ends by mistake."""
    person.ask("DELETE", "/tokens?kind=x", 400)
    person.ask("GET", "/users/me")


def test_rotation_does_not_lift_the_limit_of_tokens(person: Person, database: str) -> None:
    """With 100 tokens neither a new one nor a rotation with overlap is possible, a rotation without is; at once too."""
    made = [person.make() for _ in range(2)]
    rows(
        database,
        """INSERT INTO tokens (user_id, hash, name, scopes, expires_at)
           SELECT user_id, sha256(token_id::text::bytea || n::text::bytea), 'more', '{read}', now() + interval '1 day'
             FROM tokens, generate_series(1, 97) AS n WHERE token_id = %s""",
        made[0]["id"],
    )

    def create(_: int) -> int:
        return person.client.post("/tokens", headers=person.headers, json={"name": "last"}).status_code

    with ThreadPoolExecutor(4) as threads:
        at_once = [*threads.map(create, range(4))]
    person.ask("POST", f"/tokens/{made[0]['id']}/rotate", 409, json={"overlap_seconds": 3600})
    person.ask("POST", f"/tokens/{made[0]['id']}/rotate", 201, json={"overlap_seconds": 0})

    assert sorted(at_once) == [201, 409, 409, 409]
    person.ask("POST", "/tokens", 409, json={"name": "one more"})


def test_another_key_ends_all_tokens_for_good(database_url: str, redis_url: str) -> None:
    """After a change of API_TOKEN_SECRET old tokens are listed as invalid, and the old secret revives none."""
    with serving_tokens(database_url, redis_url) as before:
        person = before.person("changing")
    with serving_tokens(database_url, redis_url, API_TOKEN_SECRET=ANOTHER_KEY) as changed:
        dead = changed.client.get("/tokens", headers=person.headers).status_code
        new = Person(changed.client, changed.log_in("changing").json()["access_token"])
        listed = [(item["valid"], item["current"]) for item in new.ask("GET", "/tokens").json()["items"]]
    with serving_tokens(database_url, redis_url) as back:
        revived = back.client.get("/tokens", headers=person.headers).status_code

    assert (dead, revived) == (401, 401)
    assert listed == [(False, False), (True, True)]
