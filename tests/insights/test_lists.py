"""?list= at /insights and its feeds: insights about any stock of a list of the account, by token or by link."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest

from tests.accounts import Person, Tokens, serving_tokens
from tests.conftest import new_database
from tests.insights_harness import (
    Insights,
    active_tickers,
    keep_active,
    put_rows,
    random_walk,
    serving_insights,
    trading_days,
)
from tests.reading import UNLIMITED

SITE = "https://stocks.example.com"
PATHS = ("", "/feed.atom", "/feed.json")


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """A small market of 22 sessions, and accounts."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        keep_active(url, ["AAPL", "KO", "MSFT", "NKE", "V", "XOM"])
        starts = [start for session in trading_days(url, 22).sessions for start in session.starts("1h")]
        put_rows(url, random_walk(active_tickers(url), starts))
        yield url


@pytest.fixture(scope="module")
def tokens(database: str, module_redis_url: str) -> Iterator[Tokens]:
    """The function token."""
    with serving_tokens(database, module_redis_url, PUBLIC_URL=SITE) as tokens:
        yield tokens


@pytest.fixture(scope="module")
def insights(database: str, module_redis_url: str, tokens: Tokens) -> Iterator[Insights]:
    """The function with two sessions that it has described; the limits are those of the other functions."""
    settings = {**UNLIMITED, "INSIGHTS_HISTORY_HOURS": "14", "PUBLIC_URL": SITE}
    settings.pop("ANONYMOUS_HISTORY_DAYS")
    with serving_insights(database, module_redis_url, **settings) as insights:
        insights.event()
        yield insights


@pytest.fixture
def person(tokens: Tokens, request: pytest.FixtureRequest) -> Person:
    """A new account with the list Tech."""
    person = tokens.person(f"p{abs(hash(request.node.name))}")
    person.ask("POST", "/lists", 201, json={"name": "Tech", "tickers": ["MSFT", "AAPL"]})
    return person


def read(insights: Insights, query: str, person: Person) -> httpx.Response:
    """Return what the account is told."""
    return insights.get(query, Authorization=f"Bearer {person.token}")


def entries(insights: Insights, query: str, person: Person) -> list[dict[str, Any]]:
    """Return the entries of the JSON Feed."""
    return read(insights, f"/feed.json{query}", person).json()["items"]


def sentences(hours: list[dict[str, Any]]) -> list[str]:
    """Return the sentences of hours of /insights."""
    return [one["insight"] for hour in hours for one in hour["insights"]]


def test_a_list_stands_for_its_tickers(insights: Insights, person: Person) -> None:
    """Each insight about one of them or about both, once and in order; the name is compared without case."""
    everything = [one for hour in insights.items("?limit=14") for one in hour["insights"]]
    answer = read(insights, "?list=TECH&limit=14", person)
    wanted = [one["insight"] for one in everything if {"AAPL", "MSFT"} & set(one["tickers"])]

    assert sentences(answer.json()["items"]) == wanted
    assert 0 < len(wanted) < len(everything)
    assert answer.headers["cache-control"].startswith("private, no-cache")
    assert "Authorization" in answer.headers["vary"]


def test_a_list_of_one_ticker_reads_as_the_ticker(insights: Insights, person: Person) -> None:
    """The same hours and figures; the feed has the same entries under ids of its own."""
    person.ask("POST", "/lists", 201, json={"name": "One", "tickers": ["KO"]})
    of_list, of_ticker = (entries(insights, query, person) for query in ("?list=one", "?ticker=KO"))

    assert read(insights, "?list=one", person).json()["items"] == insights.get("?ticker=KO").json()["items"]
    assert [one["content_text"] for one in of_list] == [one["content_text"] for one in of_ticker]
    assert not {one["id"] for one in of_list} & {one["id"] for one in of_ticker}


def test_the_feed_of_a_list_keeps_it_in_its_addresses(insights: Insights, person: Person) -> None:
    """Title, self, first and every next page; the hours of all pages are those of /insights."""
    query, found = "?list=tech&limit=3", []
    while query:
        answer = read(insights, f"/feed.atom{query}", person)
        feed = feedparser.parse(answer.content, response_headers={"content-type": answer.headers["content-type"]})
        assert not feed.bozo
        assert feed.feed.title == "StocksALot: insights on Tech"
        links = {link.rel: link.href for link in feed.feed.links if link.get("type") == "application/atom+xml"}
        assert links["self"] == f"{SITE}/api/insights/feed.atom{query}"
        assert links["first"] == f"{SITE}/api/insights/feed.atom?list=tech&limit=3"
        found += [entry.id for entry in feed.entries]
        query = links["next"].removeprefix(f"{SITE}/api/insights/feed.atom") if "next" in links else ""

    assert len(found) == len(set(found)) > 3
    assert found == [entry["id"] for entry in entries(insights, "?list=tech&limit=35", person)]


def test_a_page_of_a_list_leads_to_the_next_of_it(insights: Insights, person: Person) -> None:
    """The link keeps the list."""
    answer = read(insights, "?list=Tech&limit=2", person)
    target = answer.headers["link"].partition(">")[0].removeprefix("<")
    pages = [*answer.json()["items"], *read(insights, target, person).json()["items"]]

    assert pages == read(insights, "?list=Tech&limit=4", person).json()["items"]


def test_entries_keep_their_ids_when_the_list_is_renamed_or_changes(insights: Insights, person: Person) -> None:
    """Readers of feeds show no entry twice; a list of this name of another account has other ids."""
    [item] = person.ask("GET", "/lists").json()["items"]
    before = [one["id"] for one in entries(insights, "?list=Tech", person)]
    person.ask("PATCH", f"/lists/{item['id']}", json={"name": "Chips & more"})
    person.ask("POST", f"/lists/{item['id']}/tickers", json={"tickers": ["XOM"]})
    after = read(insights, "/feed.json?list=chips %26 more", person).json()

    assert after["title"] == "StocksALot: insights on Chips & more"
    assert set(before) <= {one["id"] for one in after["items"]}


def test_two_accounts_with_lists_of_one_name_read_their_own(insights: Insights, person: Person, tokens: Tokens) -> None:
    """The address is the same; the responses and the ids of entries are not."""
    other = tokens.person("other-reader")
    other.ask("POST", "/lists", 201, json={"name": "Tech", "tickers": ["NKE"]})
    for _ in range(2):
        for who, wanted in ((person, {"AAPL", "MSFT"}), (other, {"NKE"})):
            hours = read(insights, "?list=Tech", who).json()["items"]
            assert all(wanted & set(one["tickers"]) for hour in hours for one in hour["insights"])
    mine, theirs = ({one["id"] for one in entries(insights, "?list=Tech", who)} for who in (person, other))
    assert mine
    assert theirs
    assert not mine & theirs


@pytest.mark.parametrize("path", PATHS)
def test_a_list_that_cannot_be_read_has_a_reason(insights: Insights, person: Person, path: str) -> None:
    """No token, the wrong scope, no such list, none in it, a list beside a ticker, a name that is none."""
    person.ask("POST", "/lists", 201, json={"name": "Empty"})
    account_only = person.make(scopes=["account"])["token"]
    for token, query, status, kind in (
        ("", "Tech", 401, "token-needed"),
        (account_only, "Tech", 403, "insufficient-scope"),
        (person.token, "None", 404, "unknown-list"),
        (person.token, "Empty", 404, "empty-list"),
        (person.token, "", 400, "bad-parameter"),
        (person.token, "%00", 404, "unknown-list"),
        (person.token, "x" * 101, 400, "bad-parameter"),
        (person.token, "Tech&ticker=AAPL", 400, "bad-parameter"),
    ):
        problem = insights.get(f"{path}?list={query}", status, Authorization=f"Bearer {token or 'Internal'}").json()
        assert problem["type"].endswith(kind), problem
    assert "list cannot be combined with ticker" in problem["detail"]


def test_an_empty_answer_says_that_it_is_about_the_list(insights: Insights, person: Person) -> None:
    """In the reason, and in the subtitle of the feed."""
    text = "No insight about a ticker of this list has this kind and significance."
    reason = read(insights, "?list=tech&significance=999", person).json()["reason"]

    assert (reason["code"], reason["text"]) == ("none-qualifies", text)
    assert read(insights, "/feed.json?list=tech&significance=999", person).json()["description"] == text


@pytest.mark.parametrize("path", PATHS)
def test_a_link_reads_the_list_of_its_account(insights: Insights, person: Person, path: str) -> None:
    """Readers of feeds send no header. A change is seen at once, by date and by tag; another list is not opened."""
    made = person.ask("POST", "/links", 201, json={"path": f"/insights{path}?list=Tech"}).json()
    url = made["url"].removeprefix(f"{SITE}/api/insights")
    [item] = person.ask("GET", "/lists").json()["items"]
    first = insights.get(url)
    unchanged = insights.get(url, 304, If_None_Match=first.headers["etag"])
    person.ask("POST", f"/lists/{item['id']}/tickers", json={"tickers": ["KO", "NKE", "V", "XOM"]})
    second = insights.get(url, If_Modified_Since=first.headers.get("last-modified", ""))

    assert unchanged.content == b""
    assert b"sal_link_" not in first.content
    assert first.headers["cache-control"] == "private, no-cache"
    assert len(second.content) > len(first.content)
    assert second.content == read(insights, f"{path}?list=Tech", person).content
    assert insights.get(url.replace("Tech", "Other"), 403).json()["type"].endswith("/invalid-link")
    assert insights.get(f"{path}?list=Tech", 401).json()["type"].endswith("/token-needed")
