"""Documents of feeds: any text survives both formats, and a page never outgrows its bound."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
from hypothesis import given
from hypothesis import strategies as st

from functions.insights.feeds.atom import atom
from functions.insights.feeds.entries import Entry, Feed, FeedAddress, make_entries
from functions.insights.feeds.feed import cut_to_page
from functions.insights.feeds.json_feed import json_feed
from functions.insights.feeds.queries import Publication

START = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
ADDRESS = FeedAddress("https://a.example", "00000000", "", None)


def hour(place: int, insight: str, link: str = "/ohlc/KO?start=1&end=2") -> dict[str, Any]:
    """Return an hour as /insights has it, *place* hours before START."""
    start = START - timedelta(hours=place)
    fact = {"id": "f1", "text": "the 11:30 bar", "link": link}
    return {
        "datetime": start.isoformat(),
        "end": START.isoformat(),
        "session": "2026-11-20",
        "missing": [],
        "source": "simulated",
        "revision": 0,
        "written_at": START.isoformat(),
        "insights": [
            {"insight": insight, "template": "{f1}" + insight, "kind": None, "tickers": ["KO"], "facts": [fact]}
        ],
    }


def entries_of(*hours: dict[str, Any]) -> list[Entry]:
    """Return the entries of *hours*."""
    first = [Publication(datetime.fromisoformat(one["datetime"]), START, []) for one in hours]
    return make_entries(hours, first, [], ADDRESS)


def feed_of(entries: list[Entry]) -> Feed:
    """Return a feed of *entries*."""
    return Feed("tag:x", "T", "S", "https://a", "https://a/feed.atom", "https://a", None, START, entries)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_makes_a_well_formed_document(text: str) -> None:
    """Mark-up, control characters and emoji in a sentence or an address stay text."""
    feed = feed_of(entries_of(hour(0, text, f"/ohlc/KO?x={text}")))

    read = feedparser.parse(atom(feed), sanitize_html=False)
    assert not read.bozo, read.get("bozo_exception")
    content = read.entries[0].content[0].value
    assert content.count("<") == 8, "only the mark-up that the feed has itself"
    assert json.loads(json_feed(feed))["items"][0]["title"] == text


def test_a_figure_that_begins_a_sentence_begins_with_a_capital() -> None:
    """As the sentence of /insights does."""
    [entry] = entries_of(hour(0, " of Coca-Cola was revised."))

    assert '">The 11:30 bar</a> of Coca-Cola was revised.' in entry.html


def test_a_page_has_room_for_200_kb_and_goes_on() -> None:
    """Hours with huge links: fewer on a page, whole ones, one at least; the next page begins behind the last."""
    entries = entries_of(*(hour(place, "x", "/ohlc?tickers=" + "A" * 30_000) for place in range(20)))
    huge = entries_of(hour(0, "x" * 400_000), hour(1, "y"))

    shown, goes_on = cut_to_page(entries, None)
    assert (len(shown), goes_on) == (6, shown[-1].start)
    assert len(atom(feed_of([*shown]))) < 250_000
    assert cut_to_page(huge, None) == (huge[:1], START)
    assert cut_to_page(entries[:3], START) == (entries[:3], START)
