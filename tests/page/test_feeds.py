"""Feeds that the page names in its head: a reader of feeds given the page's address finds one that is answered."""

from typing import TYPE_CHECKING

import feedparser
import httpx
import pytest

from tests.browser import LIVE, Open
from tests.running import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

ALTERNATE = "link[rel=alternate][type='{}']"


def feeds(page: "Page", media_type: str) -> list[str]:
    """Return the absolute addresses of the feeds of *media_type*."""
    return page.locator(ALTERNATE.format(media_type)).evaluate_all("all => all.map(one => one.href)")


@pytest.mark.parametrize(
    ("path", "title"), [("/", "StocksALot: insights"), ("/stocks/KO", "StocksALot: insights on KO")]
)
def test_a_page_names_its_feeds(market: System, open_page: Open, path: str, title: str) -> None:
    """Home has the feeds of all insights, a stock its own; links in them lead back to this host."""
    page = open_page(market.url + path)
    page.wait_for_selector(LIVE)
    page.locator(ALTERNATE.format("application/atom+xml")).wait_for(state="attached")
    [atom], [other] = (feeds(page, media_type) for media_type in ("application/atom+xml", "application/feed+json"))

    feed = feedparser.parse(httpx.get(atom, timeout=30).content)
    assert (feed.feed.title, feed.feed.link) == (title, market.url + path)
    assert feed.entries
    assert httpx.get(other, timeout=30).json()["title"] == title
