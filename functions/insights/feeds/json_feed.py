"""JSON Feed 1.1 of a feed (https://www.jsonfeed.org/version/1.1/)."""

from functions.insights.feeds.entries import Entry, Feed
from shared.http.response_data import json_body, rfc3339

MEDIA_TYPE = "application/feed+json; charset=utf-8"
_VERSION = "https://jsonfeed.org/version/1.1"


def json_feed(feed: Feed) -> bytes:
    """Return *feed* as a JSON Feed; the member `_stocksalot` is ours."""
    return json_body(
        {
            "version": _VERSION,
            "title": feed.title,
            "description": feed.subtitle,
            "home_page_url": feed.home,
            "feed_url": feed.address,
            **({"next_url": feed.next} if feed.next else {}),
            "language": "en",
            "authors": [{"name": "StocksALot"}],
            "_stocksalot": {"id": feed.id, "updated": rfc3339(feed.updated), "stale": False},
            "items": [_item(entry) for entry in feed.entries],
        }
    )


def _item(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.html,
        "content_text": "\n".join(entry.lines),
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "tags": entry.tags,
        "_stocksalot": {
            "revision": entry.revision,
            "corrected": entry.corrected,
            "superseded": entry.superseded,
        },
    }
