"""?list= reads the tickers of a list of the caller's account, wherever ?tickers= reads those of the query."""

from collections.abc import Iterator

import pytest

from tests.accounts import Person, Tokens, bearer, serving_tokens
from tests.reading import Api, Bar, at, put, serving

NAMES = ("AAPL", "AMD", "MSFT", "NVDA")


@pytest.fixture(scope="module")
def tokens(database: str, module_redis_url: str) -> Iterator[Tokens]:
    """The token function."""
    put(database, [Bar(ticker, at("2026-11-20 20:30")) for ticker in NAMES[1:]])
    with serving_tokens(database, module_redis_url) as tokens:
        yield tokens


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str, tokens: Tokens) -> Iterator[Api]:
    """The api with four tickers."""
    with serving(database, module_redis_url) as api:
        yield api


@pytest.fixture(scope="module")
def person(tokens: Tokens) -> Person:
    """An account with a list."""
    person = tokens.person("lister")
    person.ask("POST", "/lists", 201, json={"name": "Große Chips", "tickers": ["NVDA", "AMD"]})
    return person


@pytest.mark.parametrize("path", ["/latest", "/ohlc", "/coverage", "/latest?format=csv", "/disagreements"])
def test_a_list_stands_for_its_tickers(api: Api, person: Person, path: str) -> None:
    """The answer is that of the same tickers in the query; the name is compared without case."""
    sign = "&" if "?" in path else "?"
    of_list = api.get(f"{path}{sign}list=GROSSE CHIPS", 200, **bearer(person.token))
    of_tickers = api.get(f"{path}{sign}tickers=AMD,NVDA", 200, **bearer(person.token))

    assert of_list.content == of_tickers.content
    assert of_list.headers["cache-control"].startswith("private, no-cache")
    assert "Authorization" in of_list.headers["vary"]


def test_a_list_that_changed_is_read_anew_at_once(api: Api, person: Person) -> None:
    """Nothing on the way may answer with the tickers of a moment ago."""
    made = person.ask("POST", "/lists", 201, json={"name": "Changing", "tickers": ["AAPL"]}).json()
    before = api.get("/latest?list=changing", 200, **bearer(person.token))
    person.ask("POST", f"/lists/{made['id']}/tickers", json={"tickers": ["MSFT"]})
    after = api.get("/latest?list=changing", 200, **bearer(person.token), if_none_match=before.headers["etag"])

    assert [item["ticker"] for item in after.json()["items"]] == ["AAPL", "MSFT"]
    unchanged = api.get("/latest?list=changing", 304, **bearer(person.token), if_none_match=after.headers["etag"])
    assert unchanged.content == b""


def test_two_accounts_with_lists_of_one_name_read_their_own(api: Api, person: Person, tokens: Tokens) -> None:
    """The address is the same; the answers are not."""
    other = tokens.person("other-lister")
    other.ask("POST", "/lists", 201, json={"name": "Große Chips", "tickers": ["MSFT"]})
    for _ in range(3):
        for who, wanted in ((person, ["AMD", "NVDA"]), (other, ["MSFT"])):
            items = api.get("/latest?list=Große Chips", 200, **bearer(who.token)).json()["items"]
            assert [item["ticker"] for item in items] == wanted


def test_a_list_that_cannot_be_read_has_a_reason(api: Api, person: Person) -> None:
    """No token, the wrong scope, no such list, none in it, two ways at once, a name that is too long."""
    person.ask("POST", "/lists", 201, json={"name": "Empty"})
    account_only = person.make(scopes=["account"])["token"]
    long, both = "x" * 101, "Empty&tickers=AAPL"
    for token, name, status, kind in (
        ("", "Empty", 401, "token-needed"),
        (account_only, "Empty", 403, "insufficient-scope"),
        (person.token, "None", 404, "unknown-list"),
        (person.token, "", 400, "bad-parameter"),
        (person.token, "Empty", 404, "empty-list"),
        (person.token, both, 400, "bad-parameter"),
        (person.token, long, 400, "bad-parameter"),
    ):
        problem = api.get(f"/latest?list={name}", status, **bearer(token or "Internal")).json()
        assert problem["type"].endswith(kind), problem


def test_the_next_page_of_a_list_is_of_the_tickers_of_the_first(api: Api, person: Person) -> None:
    """A change between two pages would skip bars or repeat them, so the link names the tickers."""
    first = api.get("/ohlc?list=Große Chips&limit=1&format=csv&start=2026-11-20", 200, **bearer(person.token))

    assert "list=" not in first.headers.get("link", "")


@pytest.mark.parametrize("name", ["%00", "Große Chips%00", "%EF%BF%BF", "%7F"])
def test_a_name_that_no_list_can_have_is_unknown(api: Api, person: Person, name: str) -> None:
    """The answer is the 404 of every other name."""
    answer = api.get(f"/latest?list={name}", 404, **bearer(person.token))

    assert answer.json()["type"].endswith("/unknown-list")
