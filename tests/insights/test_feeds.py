"""Feeds of insights over HTTP: two formats that feed readers understand, corrections, pages, conditional requests."""

import html
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest

from tests.insights_harness import (
    FRIDAY,
    Insights,
    active_tickers,
    keep_active,
    put_rows,
    random_walk,
    serving_insights,
    trading_days,
)
from tests.reading import change, serving

SITE = "https://stocks.example.com"
TICKERS = ["AAPL", "BRK.A", "KO", "MSFT", "NKE", "V", "XOM"]
LATER = "2026-11-20T22:30:00+00:00"


@pytest.fixture
def market(database_url: str) -> str:
    """Return a database with a small market of 22 sessions."""
    keep_active(database_url, TICKERS)
    starts = [start for session in trading_days(database_url, 22).sessions for start in session.starts("1h")]
    put_rows(database_url, random_walk(active_tickers(database_url), starts))
    return database_url


@pytest.fixture
def described(market: str, redis_url: str) -> Iterator[Insights]:
    """Return the function at its public address, with two sessions that it has described."""
    with serving_insights(market, redis_url, INSIGHTS_HISTORY_HOURS="14", PUBLIC_URL=SITE) as insights:
        insights.event()
        yield insights


def atom(insights: Insights, query: str = "", status: int = 200, **headers: str) -> httpx.Response:
    """Return the response to GET /insights/feed.atom."""
    return insights.get(f"/feed.atom{query}", status, **headers)


def parsed(response: httpx.Response) -> Any:
    """Return the feed as a reader of feeds understands it; it must be well-formed."""
    feed = feedparser.parse(response.content, response_headers={"content-type": response.headers["content-type"]})
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.version == "atom10"
    return feed


def links(feed: Any) -> dict[str, str]:
    """Return the links of a feed by their relation; alternate is the page."""
    return {link.rel: link.href for link in feed.feed.links if link.get("type") != "application/feed+json"}


def test_both_formats_have_the_insights_of_insights(described: Insights) -> None:
    """An entry for each hour and one for each wrap; sentences, times, and a link from each figure to its bars."""
    answer = atom(described)
    feed, other = parsed(answer), described.get("/feed.json").json()
    hours = described.items("?limit=14")
    sentences = [one["insight"] for hour in hours for one in hour["insights"]]
    shown = [
        html.unescape(re.sub("<[^>]+>", "", item))
        for entry in feed.entries
        for item in re.findall("<li>(.*?)</li>", entry.content[0].value)
    ]
    stated = {f"{SITE}/api{fact['link']}" for hour in hours for one in hour["insights"] for fact in one["facts"]}
    linked = {
        html.unescape(url) for entry in other["items"] for url in re.findall('href="(.*?)"', entry["content_html"])
    }

    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert len(feed.entries) == 14 + 2
    assert sorted(shown) == sorted(sentences)
    assert linked == stated
    assert {entry.published for entry in feed.entries} == {"2026-11-20T21:30:00Z"}
    assert [entry.id for entry in feed.entries] == [item["id"] for item in other["items"]]
    assert [entry.title for entry in feed.entries] == [item["title"] for item in other["items"]]
    assert feed.entries[0].title.startswith("Wrap of 2026-11-20: ")
    assert {"wrap", "hour"} <= {tag.term for entry in feed.entries for tag in entry.tags}
    assert "Source: simulated (invented prices)." in other["items"][0]["content_text"]


def test_a_json_feed_keeps_the_rules_of_version_1_1(described: Insights) -> None:
    """Required members, absolute addresses, RFC 3339 dates, unique ids; members of our own begin with _."""
    answer = described.get("/feed.json?limit=2")
    feed = answer.json()
    known = {"version", "title", "home_page_url", "feed_url", "description", "next_url", "language", "authors", "items"}
    of_item = {"id", "url", "title", "content_html", "content_text", "date_published", "date_modified", "tags"}

    assert answer.headers["content-type"] == "application/feed+json; charset=utf-8"
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert {name for name in feed if not name.startswith("_")} == known
    assert all(urlsplit(feed[name]).scheme == "https" for name in ("home_page_url", "feed_url", "next_url"))
    assert feed["next_url"] != feed["feed_url"]
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"]) == 3
    for item in feed["items"]:
        assert {name for name in item if not name.startswith("_")} == of_item
        assert all(isinstance(tag, str) for tag in item["tags"])
        assert datetime.fromisoformat(item["date_published"]) <= datetime.fromisoformat(item["date_modified"])


def test_a_correction_keeps_the_id_and_says_so(market: str, redis_url: str) -> None:
    """Bars change: at once the entry has a note and a later `updated`; written again, it keeps its id."""
    settings = {"PUBLIC_URL": SITE}
    with serving_insights(market, redis_url, FRIDAY, **settings) as insights:
        insights.event()
        first = parsed(atom(insights)).entries
    change(
        market,
        "UPDATE bars SET close = close * 1.001, high = high * 1.001, received_at = '2026-11-20 22:00Z' "
        "WHERE ticker = 'KO' AND start = '2026-11-20 20:30Z'",
        redis_url,
    )
    with serving_insights(market, redis_url, LATER, **settings) as insights:
        noted = parsed(atom(insights)).entries
        about = insights.get("/feed.json?ticker=ko").json()["items"][0]
        insights.event()
        rewritten = parsed(atom(insights)).entries
        item = insights.get("/feed.json").json()["items"][0]

    assert [entry.id for entry in first] == [entry.id for entry in noted] == [entry.id for entry in rewritten]
    assert "Correct" not in first[0].title + first[0].content[0].value
    assert noted[0].title.startswith("Corrected: ")
    assert "Correction: bars of KO changed on 2026-11-20 22:00 UTC" in noted[0].content[0].value
    assert "Correction: bars of KO changed" in about["content_text"]
    assert "Correction of 2026-11-20 22:30 UTC: bars of KO changed" in rewritten[0].content[0].value
    assert [entries[0].updated[11:16] for entries in (first, noted, rewritten)] == ["21:30", "22:00", "22:30"]
    assert {entries[0].published for entries in (first, noted, rewritten)} == {first[0].published}
    assert first[-1].updated == rewritten[-1].updated, "an hour whose bars did not change is not issued again"
    assert (item["_stocksalot"]["corrected"], item["_stocksalot"]["superseded"]) == (True, False)


def test_pages_lead_through_all_hours(described: Insights) -> None:
    """rel=next until there is none, each entry once, rel=first the same; a page states its own address."""
    found: list[str] = []
    address: str | None = f"{SITE}/api/insights/feed.atom?ticker=KO&limit=3"
    first = address
    while address:
        answer = atom(described, "?" + urlsplit(address).query)
        feed = parsed(answer)
        assert (links(feed)["self"], links(feed)["first"]) == (address, first)
        found += [entry.id for entry in feed.entries]
        address = links(feed).get("next")
        assert answer.headers.get("link") == (f'<{address}>; rel="next"' if address else None)
        assert len(found) < 50

    assert len(found) == len(set(found)) >= 7
    assert all("?ticker=KO/" in one for one in found)
    assert links(parsed(atom(described, "?ticker=KO")))["alternate"] == f"{SITE}/stocks/KO"


def test_what_has_not_changed_is_not_sent_again(described: Insights) -> None:
    """304 for the ETag and for the date; 200 for another date; the ETag decides where both are sent."""
    answer = atom(described)
    date = answer.headers["last-modified"]

    assert date == "Fri, 20 Nov 2026 21:30:00 GMT"
    assert "max-age=" in answer.headers["cache-control"]
    assert "ratelimit" in answer.headers
    assert atom(described, "", 304, If_None_Match=answer.headers["etag"]).content == b""
    assert atom(described, "", 304, If_Modified_Since=date).content == b""
    assert atom(described, "", 200, If_Modified_Since="Fri, 20 Nov 2026 20:30:00 GMT").content
    assert atom(described, "", 200, If_Modified_Since=date, If_None_Match='"other"').content


def test_an_empty_feed_says_why_and_a_wrong_query_is_a_problem(described: Insights) -> None:
    """No entries is a valid feed whose subtitle has the reason; a ticker or parameter that is none, a problem."""
    empty = parsed(atom(described, "?significance=999"))

    assert empty.entries == []
    assert empty.feed.subtitle == "No insight has this ticker, kind and significance."
    assert "Did you mean AAPL" in atom(described, "?ticker=APPL", 404).json()["detail"]
    assert "date" in atom(described, "?date=2026-11-20", 400).json()["detail"]
    assert parsed(atom(described, "?ticker=brk-a")).feed.title == "StocksALot: insights on BRK.A"


def test_without_a_public_address_links_lead_where_the_request_came_from(market: str, redis_url: str) -> None:
    """Host and scheme as the proxy names them; one reader's address never gets into another's feed."""
    with serving_insights(market, redis_url) as insights:
        insights.event()
        for host, root in (("a.example:8080", "https://a.example:8080"), ('evil"><b>', "http://localhost")):
            feed = parsed(atom(insights, X_Forwarded_Host=host, X_Forwarded_Proto="https"))
            assert feed.feed.link == f"{root}/"
        assert parsed(atom(insights)).feed.link == "http://127.0.0.1/"


def test_links_of_figures_are_answered(described: Insights, redis_url: str) -> None:
    """An address behind /api of a feed is one of the API."""
    [entry] = described.get("/feed.json?limit=1&kind=wrap").json()["items"]
    with serving(described.database_url, redis_url, FRIDAY) as api:
        for url in re.findall('href="(.*?)"', entry["content_html"]):
            assert api.get(html.unescape(url).removeprefix(f"{SITE}/api")).json()["count"] > 0
