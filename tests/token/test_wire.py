"""Over HTTP the token function keeps the contract: paths, methods, origins, requests and answers."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tests.accounts import Person, Tokens, bearer, serving_token_process, serving_tokens


@pytest.mark.parametrize(
    "path", ["/", "/token/", "/users", "/users/", "/users/me/x", "/tokens/", "/nothing", "/%2e%2e/x"]
)
def test_a_path_that_leads_nowhere_is_a_problem(tokens: Tokens, path: str) -> None:
    """404 is problem+json; a wrong method is 405 that says which there are."""
    answer = tokens.client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/token", "OPTIONS, POST"),
        ("PUT", "/users/register", "OPTIONS, POST"),
        ("PATCH", "/tokens", "DELETE, GET, HEAD, OPTIONS, POST"),
        ("GET", "/tokens/x", "DELETE, OPTIONS"),
        ("PUT", "/tokens", "DELETE, GET, HEAD, OPTIONS, POST"),
    ],
)
def test_a_405_lists_the_allowed_methods(tokens: Tokens, method: str, path: str, allow: str) -> None:
    """405 with Allow, and OPTIONS says the same."""
    answer = tokens.client.request(method, path)
    options = tokens.client.options(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert (options.status_code, options.headers["allow"]) == (204, allow)


def test_a_page_elsewhere_may_log_in(database_url: str, redis_url: str) -> None:
    """With its origin configured, preflights allow the header and answers may be read, refusals too."""
    origin = {"Origin": "https://page.example"}
    with serving_token_process(database_url, redis_url, CORS_ORIGINS=origin["Origin"]) as tokens:
        asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        preflight = tokens.client.options("/tokens", headers=asked)
        refused = tokens.client.post("/token", data={"username": "x", "password": "y"}, headers=origin)
        stranger = tokens.client.get("/tokens", headers={"Origin": "https://evil.example"})

    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin["Origin"])
    assert {"GET", "POST"} <= set(preflight.headers["access-control-allow-methods"].split(", "))
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin["Origin"])
    assert "access-control-allow-origin" not in stranger.headers


def test_a_stale_token_does_not_stand_in_the_way_of_a_new_one(tokens: Tokens) -> None:
    """A login that still sends an old token is served."""
    answer = tokens.client.post("/token", data={"username": "x", "password": "y"}, headers=bearer("sal_old"))

    assert answer.json()["type"].endswith("/wrong-credentials")


def test_the_answers_are_those_of_the_contract(tokens: Tokens) -> None:
    """The published document describes what is sent: every answer fits its model, and no other member is there."""
    from functions.token.response_models import (
        AccountResponse,
        LoginResponse,
        NewTokenResponse,
        RegistrationResponse,
        RotatedTokenResponse,
        TokensResponse,
    )

    account = tokens.register("contract@example.com", username="contract")
    login = tokens.log_in("contract")
    person = Person(tokens.client, login.json()["access_token"])
    made = person.ask("POST", "/tokens", 201, json={"name": "a"})
    rotated = person.ask("POST", f"/tokens/{made.json()['id']}/rotate", 201)

    for model, answer in (
        (RegistrationResponse, account),
        (AccountResponse, person.ask("GET", "/users/me")),
        (LoginResponse, login),
        (NewTokenResponse, made),
        (RotatedTokenResponse, rotated),
        (TokensResponse, person.ask("GET", "/tokens")),
    ):
        model.model_validate_json(answer.content, strict=True)


def takes(model: type[BaseModel], body: dict[str, Any]) -> bool:
    """Whether the published description of a request allows *body*."""
    try:
        model.model_validate_json(json.dumps(body))
    except ValueError:
        return False
    return True


def test_requests_are_taken_as_the_contract_says(tokens: Tokens) -> None:
    """The models that describe requests and the code that reads them agree, whatever is missing, wrong or too much."""
    from functions.token.response_models import CreateToken, RegistrationForm, RotateToken

    person = tokens.person("contract-requests")
    names = [{}, {"name": "a"}, {"name": ""}, {"name": "x" * 100}, {"name": "x" * 101}, {"name": 5}]
    scopes = [{}, {"scopes": ["read"]}, {"scopes": []}, {"scopes": ["admin"]}, {"scopes": "read"}]
    ends = [{}, {"expires_in_days": 1}, {"expires_in_days": 0}, {"expires_in_days": 3651}, {"colour": "red"}]
    wishes = [{**name, **scope, **end} for name in names for scope in scopes for end in ends]
    overlaps = [{}, *({"overlap_seconds": seconds} for seconds in (0, 604800, 604801, -1, "soon", 1.5)), {"x": 1}]
    users = [{}, *({"username": name} for name in ("somebody-new", "x" * 65, "a@b")), {"colour": "red"}]
    forms = [{"password": word, **user} for word in ("short", "long enough", "x" * 1025) for user in users]

    for wish in wishes:
        answer = tokens.client.post("/tokens", headers=person.headers, json=wish)
        assert (answer.status_code == 201) == takes(CreateToken, wish), (wish, answer.text)
    for overlap in overlaps:
        path = f"/tokens/{person.make(name='rotated')['id']}/rotate"
        answer = tokens.client.post(path, headers=person.headers, json=overlap)
        assert (answer.status_code == 201) == takes(RotateToken, overlap), (overlap, answer.text)
    for number, form in enumerate(forms):
        body = {"email": f"request-{number}@example.com", **form}
        answer = tokens.client.post("/users/register", data=body)
        assert (answer.status_code == 201) == takes(RegistrationForm, body), (body, answer.text)


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ODD_BODIES = [
    ("/tokens", JSON, b'{"name": "a", "name": "b"}', "name"),
    ("/tokens", JSON, b'{"name": "a", "n\\u0061me": "b"}', "name"),
    ("/tokens", JSON, b'\xef\xbb\xbf{"name": "a"}', ""),
    ("/tokens", JSON, b'{"name": "\\ud800 a half"}', ""),
    ("/tokens", JSON, b'{"name": "a", "expires_in_days": NaN}', ""),
    ("/tokens", JSON, b'{"name": "a", "expires_in_days": 1e999}', "expires_in_days"),
    ("/tokens", JSON, b'{"name": "a", "expires_in_days": ' + b"9" * 9000 + b"}", "expires_in_days"),
    ("/tokens", JSON, b'{"name": "a", "expires_at": "9999-12-31T23:59:59-23:59"}', "expires_at"),
    ("/tokens", JSON, b'{"name": "a", "expires_at": "0000-00-00T00:00:00Z"}', "expires_at"),
    ("/tokens", JSON, b'{"name": "a", "expires_in_days": ' + b"9" * 309 + b"}", "expires_in_days"),
    ("/token", {"Content-Type": "multipart/form-data"}, b"no boundary", ""),
    ("/tokens", JSON, b'{"name": "a"} {"name": "b"}', ""),
    ("/users/register", FORM, b"email=x@example.com&password=long+enough+1&admin=1", "admin"),
    ("/users/register", FORM, b"email=x@example.com&password=long+enough+1&email=y@example.com", "email"),
    ("/users/register", FORM, b"email=x@example.com&password=long%ED%A0%80enough", ""),
    ("/users/me/password", FORM, b"password=a&new_password=long+enough+1&again=1", "again"),
    ("/token", FORM, b"username=x&password=y&username=z", "username"),
    ("/token", FORM, b"username=x&password=y&client_id=1&client_id=2", "client_id"),
    ("/token?username=x", FORM, b"username=x&password=y", "username"),
    ("/tokens?kind=all", JSON, b'{"name": "a"}', "kind"),
]


@pytest.mark.parametrize(("path", "headers", "body", "field"), ODD_BODIES)
def test_a_body_that_two_readers_could_understand_differently_is_refused(
    tokens: Tokens,
    person: Person,
    caplog: pytest.LogCaptureFixture,
    path: str,
    headers: dict[str, str],
    body: bytes,
    field: str,
) -> None:
    """400 that names the field: repeated, unknown, or no JSON by the letter of the standard; nothing was done.

    A caller's mistake is no error in the log.
    """
    answer = tokens.client.post(path, content=body, headers={**headers, **person.headers})

    assert answer.status_code == 400, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == [field]
    assert set(person.ids()) == {"login"}
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.parametrize("repeated", ["Authorization", "Content-Type"])
def test_a_header_that_must_be_one_is_refused_twice(tokens: Tokens, person: Person, repeated: str) -> None:
    """Otherwise a proxy that checks the first and a function that uses the last would disagree."""
    headers = [*person.headers.items(), *JSON.items(), (repeated, "Bearer Internal")]

    answer = tokens.client.request("POST", "/tokens", headers=headers, json={"name": "a"})

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, repeated.lower())


def test_without_postgres_the_response_is_a_503_with_retry_after(redis_url: str) -> None:
    """503 with Retry-After, no stack trace, and the function lives on."""
    with serving_tokens("postgresql://postgres@127.0.0.1:1/none", redis_url) as tokens:
        answer = tokens.log_in("anybody")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "Traceback" not in json.dumps(answer.json())
        assert tokens.client.get("/nothing").status_code == 404
