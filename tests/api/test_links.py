"""Links: an address that reads one path with its parameters in place of a token, and nothing else."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from shared.auth.links import PATHS, identify
from tests.accounts import PASSWORD, Person, Tokens, bearer, serving_tokens
from tests.conftest import new_database
from tests.insights_harness import serving_insights
from tests.reading import UNLIMITED, Api, Bar, hours, put, serving, serving_process, sessions
from tests.waiting import wait_until

CSV = "/ohlc/AAPL?start=2026-09-01&end=2026-09-03&format=csv"
"""History that needs a token."""
SITE = "https://stocks.example.com"


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Three months of AAPL, and accounts."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        put(url, [Bar("AAPL", start) for start in hours(sessions(url, "2026-08-20", "2026-11-21"))])
        yield url


@pytest.fixture(scope="module")
def tokens(database: str, module_redis_url: str) -> Iterator[Tokens]:
    """The function token."""
    with serving_tokens(database, module_redis_url, PUBLIC_URL=SITE) as tokens:
        yield tokens


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str) -> Iterator[Api]:
    """The api, where history before 30 days needs a token; two of its processes are two copies."""
    with serving_process(database, module_redis_url, ANONYMOUS_HISTORY_DAYS="30") as api:
        yield api


@pytest.fixture
def person(tokens: Tokens, request: pytest.FixtureRequest) -> Person:
    """A new account, logged in."""
    return tokens.person(f"p{abs(hash(request.node.name))}")


def make(person: Person, path: str = CSV, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Return the address of a new link below the root of the API, and the response."""
    made = person.ask("POST", "/links", 201, json={"path": path, **fields}).json()
    return made["url"].removeprefix(f"{SITE}/api"), made


def test_a_link_reads_its_path_and_nothing_else(api: Api, person: Person) -> None:
    """The whole history as CSV, without a header; another path, parameter, order of methods or function is refused."""
    address, made = make(person, name="sheet")
    secret = address.partition("link=")[2]
    answer = api.get(address)

    assert answer.text == api.get(CSV, Authorization=f"Bearer {person.token}").text
    assert answer.text.startswith("ticker,interval,datetime,")
    assert secret.startswith("sal_link_")
    assert "url" not in person.ask("GET", "/links").text
    assert (made["name"], made["path"]) == ("sheet", CSV)
    for other in (
        address.replace("AAPL", "MSFT"),
        address.replace("2026-09-01", "2026-08-31"),
        address.replace("&format=csv", ""),
        f"{address}&limit=5",
        f"/latest?link={secret}",
        f"{address}&link={secret}",
        f"{CSV}&link={secret[:-1]}x",
        f"{CSV}&link=",
        f"/embed/AAPL?link={secret}",
    ):
        assert api.get(other, 403).json()["type"].endswith("/invalid-link"), other
    assert api.client.post(address).status_code in (403, 405)
    assert person.client.get(f"/tokens?link={secret}").status_code in (400, 401)
    assert api.get(CSV, 401, Authorization=f"Bearer {secret}")


def test_the_order_and_the_encoding_of_parameters_do_not_matter(api: Api, person: Person) -> None:
    """Programs write addresses anew: Excel sorts nothing, others encode a colon."""
    address, _ = make(person, "/ohlc/AAPL?start=2026-09-01T13:30:00Z&end=2026-09-02&format=csv")
    secret = address.partition("link=")[2]

    same = f"/ohlc/AAPL?link={secret}&format=csv&end=2026-09-02&start=2026-09-01T13%3A30%3A00Z"
    assert api.get(same).text == api.get(address).text


def test_a_link_lookup_key_is_never_a_token() -> None:
    """The secret bound to its path has a line break in it, which no header can have."""
    assert b"\n" in (identify(b"sal_link_x", "/latest", b"") or b"")
    assert identify(b"s", "/a", b"x=1&y=2") == identify(b"s", "/a", b"y=2&x=%31")
    assert identify(b"s", "/a", b"x=1") != identify(b"s", "/ax=1", b"")
    assert identify(b"s", "/a", b"x" * 3000) is None


def test_link_responses_are_private_and_send_no_referrer(api: Api, person: Person) -> None:
    """private, asked again each time, no referrer; 304 without a body as ever; a 304 ends with the link."""
    address, _ = make(person, "/latest")
    answer = api.get(address)

    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert api.get(address, 304, If_None_Match=answer.headers["etag"]).content == b""
    assert api.get("/latest").headers["cache-control"].startswith("public")
    assert "sal_link_" not in answer.text
    assert "sal_link_" not in api.get(f"{address}&x=1", 403).text


def test_it_counts_as_its_token(api: Api, person: Person) -> None:
    """The limit is the account's, not the address's."""
    address, _ = make(person)
    policy = api.get(address).headers["ratelimit-policy"]

    assert policy == api.get("/latest", Authorization=f"Bearer {person.token}").headers["ratelimit-policy"]
    assert policy != api.get("/latest").headers["ratelimit-policy"]


@pytest.mark.parametrize("end", ["link", "token", "all tokens", "account"])
def test_it_ends_at_once(api: Api, tokens: Tokens, person: Person, end: str) -> None:
    """Revoked, with its token, with all tokens, with the account: refused within two seconds, in a warm process."""
    token = person.make(scopes=["read"])
    address, made = make(person, token_id=token["id"])
    assert api.get(address).status_code == 200

    if end == "link":
        person.ask("DELETE", f"/links/{made['id']}", 204)
        person.ask("DELETE", f"/links/{made['id']}", 404)
    elif end == "token":
        person.ask("DELETE", f"/tokens/{token['id']}", 204)
    elif end == "all tokens":
        person.ask("DELETE", "/tokens?kind=all", 204)
    else:
        person.ask("DELETE", "/users/me", 204, data={"password": PASSWORD})
    wait_until(lambda: api.client.get(address).status_code == 403, 2)


def test_it_expires_with_itself_or_its_token(person: Person) -> None:
    """As stated, within the token's life; by default with its token."""
    token = person.make(scopes=["read"], expires_in_days=10)
    _, whole = make(person, token_id=token["id"])
    _, short = make(person, token_id=token["id"], expires_in_days=3)
    _, cut = make(person, token_id=token["id"], expires_in_days=30)

    assert whole["expires_at"] == cut["expires_at"] == token["expires_at"]
    assert short["expires_at"] < token["expires_at"]


WRONG = (
    ({"path": "/tokens"}, "begins with"),
    ({"path": "https://evil.example/latest"}, "begins with"),
    ({"path": "//latest"}, "begins with"),
    ({"path": "/embed/AAPL"}, "begins with"),
    ({"path": "/latest#x"}, "fragment"),
    ({"path": "/latest?link=1"}, "parameter link"),
    ({"path": "/ohlc?link"}, "parameter link"),
    ({"path": "/ohlc?%6cink=1"}, "parameter link"),
    ({"path": "/ohlc/../lists"}, "no part that is empty, . or .."),
    ({"path": "/ohlc/./AAPL"}, "no part that is empty, . or .."),
    ({"path": "/ohlc//AAPL"}, "no part that is empty, . or .."),
    ({"path": "/ohlc/%41APL"}, "no %"),
    ({"path": "/ohlc/AAPL?x=" + "y" * 2000}, "2000"),
    ({"path": "/latest?x=%FF"}, "UTF-8"),
    ({"path": "/latest", "token_id": "x"}, "token_id should be the id"),
    ({"path": "/latest", "token_id": "0b7f8a6e-3a52-4c0e-9c7f-2f4b1f6f9f10"}, "valid token"),
    ({"path": "/latest", "expires_at": "2020-01-01T00:00:00Z"}, "later than now"),
    ({"path": "/latest", "expires_at": "2026-01-01T00:00:00"}, "offset"),
    ({"path": "/latest", "name": "\n"}, "name"),
    ({"path": "/latest", "what": 1}, "what"),
    ({}, "path"),
)


@pytest.mark.parametrize(("body", "said"), WRONG)
def test_a_wrong_request_says_what_to_change(person: Person, body: dict[str, Any], said: str) -> None:
    """Only paths that read, on this host, by a token of the account."""
    assert said in person.ask("POST", "/links", 400, json=body).json()["detail"]


def test_links_belong_to_their_account(tokens: Tokens, person: Person) -> None:
    """Others neither see nor revoke them, nor link by a token of another; a token that only reads manages none."""
    _, made = make(person)
    other, reader = tokens.person("stranger-to-links"), person.make(scopes=["read"])["token"]

    assert other.ask("GET", "/links").json()["count"] == 0
    other.ask("DELETE", f"/links/{made['id']}", 404)
    assert other.ask("POST", "/links", 400, json={"path": "/latest", "token_id": made["token_id"]})
    assert tokens.client.get("/links", headers=bearer(reader)).status_code == 403
    assert tokens.client.get("/links").status_code == 401


def test_an_account_has_a_hundred(tokens: Tokens) -> None:
    """The next one is refused until one is revoked."""
    person = tokens.person("collector-of-links")
    made = [make(person, "/latest")[1] for _ in range(100)]

    assert person.ask("POST", "/links", 409, json={"path": "/latest"}).json()["type"].endswith("/too-many-links")
    person.ask("DELETE", f"/links/{made[0]['id']}", 204)
    make(person, "/latest")


def test_insights_and_their_feeds_take_links(database: str, module_redis_url: str, person: Person) -> None:
    """As /ohlc does; not for another feed."""
    address, _ = make(person, "/insights/feed.atom?ticker=AAPL")
    with serving_insights(database, module_redis_url, API_TOKEN_SECRET=UNLIMITED["API_TOKEN_SECRET"]) as insights:
        statuses = [insights.client.get(one).status_code for one in (address, address.replace("AAPL", "MSFT"))]

    assert statuses == [200, 403]


def test_every_path_that_a_link_may_open_reads(database: str, module_redis_url: str) -> None:
    """Each of them takes GET alone."""
    with serving(database, module_redis_url) as api:
        found = {name: _allowed(api.client, f"/{name}") for name in PATHS - {"insights", "indicators"}}

    assert set(found.values()) == {"GET, HEAD, OPTIONS"}


def _allowed(client: httpx.Client, path: str) -> str:
    return client.post(path).headers.get("allow", "")
