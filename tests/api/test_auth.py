"""Tokens at the door of a reading function: how soon they stop, what they open, and who is asked about them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from shared.auth.token_format import new_token
from tests.accounts import Person, Tokens, bearer, serving_tokens
from tests.api.asking import HISTORY, status, until_refused
from tests.reading import FRIDAY_EVENING, Api, serving, serving_process
from tests.waiting import wait_until

IN_TIME = 4.0
"""Seconds: one is promised; a busy machine takes more, and a copy that is not told of a revocation more than five."""


@pytest.fixture(scope="module")
def tokens(database: str, module_redis_url: str) -> Iterator[Tokens]:
    """The token function."""
    with serving_tokens(database, module_redis_url) as tokens:
        yield tokens


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str, tokens: Tokens) -> Iterator[Api]:
    """The api, with a month of the history open to all."""
    with serving(database, module_redis_url, **HISTORY) as api:
        yield api


@pytest.fixture(scope="module")
def person(tokens: Tokens) -> Person:
    """An account with a token."""
    return tokens.person("reader")


def test_a_revoked_token_stops_within_a_second_everywhere(
    database: str, module_redis_url: str, tokens: Tokens, api: Api, person: Person
) -> None:
    """However often it was asked with a moment ago, in every copy, and for good."""
    with serving(database, module_redis_url, **HISTORY) as other:
        for _ in range(3):
            made = person.make()
            for _ in range(20):
                assert status(api, made["token"]) == status(other, made["token"]) == 200
            person.ask("DELETE", f"/tokens/{made['id']}", 204)

            assert until_refused([api, other], made["token"]) < IN_TIME
            assert status(api, made["token"]) == status(other, made["token"]) == 401


def test_a_token_stops_at_its_end(database: str, module_redis_url: str, api: Api, person: Person) -> None:
    """Soon after the instant that it was given, in every copy; the seconds are those of a busy machine."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=7)
    made = person.make(expires_at=end.isoformat())
    with serving(database, module_redis_url, **HISTORY) as other:
        assert status(api, made["token"]) == status(other, made["token"]) == 200
        until_refused([api, other], made["token"])

        assert timedelta(seconds=-0.05) < datetime.now(UTC) - end < timedelta(seconds=3)


def test_a_leaked_token_that_is_replaced_stops_too(api: Api, person: Person) -> None:
    """A rotation without overlap is a revocation; with one, both are good meanwhile."""
    made = person.make()
    assert status(api, made["token"]) == 200
    rotated = person.ask("POST", f"/tokens/{made['id']}/rotate", 201, json={"overlap_seconds": 60}).json()
    assert [status(api, one) for one in (made["token"], rotated["token"])] == [200, 200]
    last = person.ask("POST", f"/tokens/{rotated['id']}/rotate", 201, json={"overlap_seconds": 0}).json()

    assert until_refused([api], rotated["token"]) < IN_TIME
    assert [status(api, one) for one in (made["token"], last["token"])] == [200, 200]


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A port that takes connections and remembers them, and says nothing."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                seen.append(b"connection")
                connection.close()

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], seen


def test_a_malformed_token_is_refused_without_a_look_up() -> None:
    """Postgres is not asked about a wrong checksum; about a well-formed token it is."""
    with listening() as (postgres, asked), listening() as (cache, counted):
        urls = (f"postgresql://x@127.0.0.1:{postgres}/x", f"redis://127.0.0.1:{cache}/0")
        with serving(*urls, **HISTORY) as api:
            api.client.get("/")
            wait_until(lambda: counted)  # that request
            time.sleep(0.5)
            asked.clear()
            broken = new_token()[:-1] + "!"
            answers = [
                api.client.get("/latest", headers=[(b"Authorization", text.encode("latin-1"))])
                for text in (
                    f"Bearer {broken}",
                    f"Bearer {new_token()[:-1]}",
                    f"Bearer {new_token()[:-6]}AAAAAA",
                    "Bearer sal_",
                    "Bearer",
                    "",
                    "Basic dXNlcjpwYXNz",
                    f"Token {new_token()}",
                    f"Bearer {new_token()} {new_token()}",
                    "Bearer " + "x" * 5000,
                    "Bearer sal_" + "\xff" * 38,
                )
            ]
            time.sleep(0.2)
            looked_up = [*asked]
            wait_until(lambda: api.client.get("/latest", headers=bearer(new_token())) and asked)

    assert {answer.status_code for answer in answers} == {401}
    assert looked_up == []


def test_a_refusal_says_why(api: Api) -> None:
    """401 is problem+json with the challenge of RFC 6750; a page elsewhere may read it."""
    answer = api.client.get("/latest", headers=bearer(new_token()))

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == 'Bearer realm="stocksalot", error="invalid_token"'
    assert answer.json()["type"] == "https://stocksalot.tech/problems/invalid-token"
    assert answer.headers["cache-control"] == "no-store"
    assert "sal_" not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_word_bearer_may_be_written_in_any_letters(api: Api, person: Person, scheme: str) -> None:
    """As HTTP has it."""
    assert api.client.get("/latest", headers={"Authorization": f"{scheme} {person.token}"}).status_code == 200


def test_two_tokens_in_one_request_are_refused(api: Api, person: Person) -> None:
    """Also where the process knows the answer and the caller: neither the first nor the last header is used."""
    assert api.client.get("/latest", headers=bearer(person.token)).status_code == 200

    answer = api.client.get("/latest", headers=[("Authorization", "Bearer sal_x"), *bearer(person.token).items()])

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "authorization")
    assert "ratelimit" in answer.headers


def test_a_month_of_history_is_open_to_all(api: Api) -> None:
    """Without a token, history begins 30 days ago at midnight in New York, and the response states it."""
    answer = api.json("/ohlc/AAPL?limit=5000")

    assert answer["open_from"] == "2026-10-21T04:00:00Z"
    assert answer["items"][0]["datetime"] == "2026-10-21T13:30:00Z"
    assert answer["next_cursor"] is None
    for path in ("/ohlc/AAPL?start=2026-10-21", "/ohlc?tickers=AAPL&start=2026-10-21T04:00:00Z&interval=1d"):
        assert api.get(path).status_code == 200
    weeks = api.json("/ohlc/AAPL?interval=1w&limit=100")["items"]
    assert min(item["date"] for item in weeks) >= "2026-10-21"


@pytest.mark.parametrize(
    "path",
    ["/ohlc/AAPL?start=2026-10-20", "/ohlc/AAPL?start=2026-10-21T03:59:59Z", "/ohlc/AAPL?end=2026-10-21",
     "/ohlc?tickers=AAPL&start=2026-01-01&end=2026-11-01&format=csv", "/ohlc/AAPL?format=arrow"],
)  # fmt: skip
def test_older_history_needs_a_token(api: Api, person: Person, path: str) -> None:
    """401 that says what needs one and where to get it; 403 for a token without the scope."""
    refused = api.get(path, 401)
    without = person.make(scopes=["account"])["token"]
    forbidden = api.client.get(path, headers=bearer(without))

    assert refused.json()["type"].endswith("/token-needed")
    assert refused.headers["www-authenticate"] == 'Bearer realm="stocksalot"'
    assert (forbidden.status_code, forbidden.json()["type"].split("/")[-1]) == (403, "insufficient-scope")
    assert 'error="insufficient_scope", scope="read"' in forbidden.headers["www-authenticate"]


def test_a_token_opens_the_whole_history(api: Api, person: Person) -> None:
    """Every bar there is, page by page, and in every format."""
    reader = person.make(scopes=["read"])["token"]
    whole = api.client.get("/ohlc/AAPL?limit=5000", headers=bearer(reader)).json()
    page = api.client.get("/ohlc/AAPL?limit=300", headers=bearer(reader)).json()
    older = api.client.get(f"/ohlc/AAPL?limit=300&cursor={page['next_cursor']}", headers=bearer(reader)).json()
    early = api.client.get("/ohlc/AAPL?start=2026-08-01&end=2026-09-01&format=csv", headers=bearer(reader))

    assert (whole["open_from"], whole["items"][0]["datetime"]) == (None, "2026-08-20T13:30:00Z")
    assert older["items"] + page["items"] == whole["items"]
    assert early.text.count("\n") > 50


def test_cached_responses_are_not_shared_between_callers(api: Api, person: Person) -> None:
    """The same address asked with and without a token, in turns and warm, is answered to each as is due to them."""
    seen = [
        (len(api.client.get("/ohlc/AAPL?limit=5000", headers=headers).json()["items"]))
        for _ in range(5)
        for headers in ({}, person.headers)
    ]

    assert len(set(seen[::2])) == len(set(seen[1::2])) == 1
    assert seen[0] < seen[1]


def test_caches_are_told_whose_an_answer_is(api: Api, person: Person) -> None:
    """Public caches may store responses that are equal for all callers, not those of a token's history."""
    for _ in range(2):
        for path, headers, whose, varies in (
            ("/latest", {}, "public", False),
            ("/latest", person.headers, "public", False),
            ("/ohlc/AAPL", {}, "public", True),
            ("/ohlc/AAPL", person.headers, "private", True),
        ):
            answer = api.client.get(path, headers=headers)
            assert answer.headers["cache-control"].startswith(f"{whose}, max-age=")
            assert ("Authorization" in answer.headers["vary"]) == varies


def test_everything_is_open_where_that_is_configured(database: str, module_redis_url: str) -> None:
    """With ANONYMOUS_HISTORY_DAYS=0 the whole history needs no token."""
    with serving(database, module_redis_url, ANONYMOUS_HISTORY_DAYS="0") as api:
        answer = api.json("/ohlc/AAPL?start=2026-01-01&limit=5000")

    assert (answer["open_from"], answer["items"][0]["datetime"]) == (None, "2026-08-20T13:30:00Z")


def test_a_page_elsewhere_may_ask_with_a_token(database: str, module_redis_url: str, person: Person) -> None:
    """Preflights allow the header without a token of their own; answers and refusals may be read, limits too."""
    origin = {"Origin": "https://page.example"}
    with serving_process(database, module_redis_url, CORS_ORIGINS=origin["Origin"]) as api:
        asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
        preflight = api.client.options("/latest", headers=asked)
        answers = [
            api.client.get("/latest", headers={**origin, **headers})
            for headers in (person.headers, person.headers, bearer("sal_x"))
        ]

    assert preflight.status_code == 200
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    assert [answer.status_code for answer in answers] == [200, 200, 401]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == origin["Origin"]
        assert "RateLimit" in answer.headers["access-control-expose-headers"]


def test_head_with_a_token_is_get_without_the_body(api: Api, person: Person) -> None:
    """Same header lines, counted alike."""
    head, get = (api.client.request(method, "/ohlc/AAPL", headers=person.headers) for method in ("HEAD", "GET"))

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]


def test_a_new_process_accepts_a_token_on_its_first_request(
    database: str, module_redis_url: str, tokens: Tokens, person: Person
) -> None:
    """A function that wakes from zero serves its first request with a token like any other."""
    with serving(database, module_redis_url, FRIDAY_EVENING, **HISTORY) as api:
        answer = api.client.get("/ohlc/AAPL?start=2026-08-20", headers=person.headers)

    assert answer.status_code == 200
    assert answer.headers["ratelimit-policy"] == '"default";q=1000000;w=60'


def test_requests_without_pause_are_never_refused_by_a_look_up(api: Api, person: Person) -> None:
    """A good token, asked with for three seconds without pause, is never answered anything but 200."""
    deadline, seen = time.monotonic() + 3, set[int]()
    while time.monotonic() < deadline:
        seen.add(status(api, person.token))

    assert seen == {200}
