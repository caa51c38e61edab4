"""Atom 1.0 (RFC 4287) of a feed, with the links of a paged one (RFC 5005)."""

import re
from xml.etree import ElementTree

from functions.insights.feeds.entries import Entry, Feed
from shared.http.response_data import rfc3339

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
_JSON = "application/feed+json"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold, not even escaped."""


def atom(feed: Feed) -> bytes:
    """Return *feed* as an Atom document."""
    root = ElementTree.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": "en"})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    _add(root, "subtitle", feed.subtitle)
    _add(root, "updated", rfc3339(feed.updated))
    _link(root, "self", feed.address, "application/atom+xml")
    _link(root, "first", feed.first, "application/atom+xml")
    if feed.next:
        _link(root, "next", feed.next, "application/atom+xml")
    _link(root, "alternate", feed.home, "text/html")
    _link(root, "alternate", feed.address.replace("/feed.atom", "/feed.json", 1), _JSON)
    _add(ElementTree.SubElement(root, "author"), "name", "StocksALot")
    for entry in feed.entries:
        _add_entry(root, entry)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True) + b"\n"


def _add_entry(root: ElementTree.Element, entry: Entry) -> None:
    element = ElementTree.SubElement(root, "entry")
    _add(element, "id", entry.id)
    _add(element, "title", entry.title)
    _add(element, "published", rfc3339(entry.published))
    _add(element, "updated", rfc3339(entry.updated))
    _link(element, "alternate", entry.url, "text/html")
    for tag in entry.tags:
        ElementTree.SubElement(element, "category", {"term": _clean(tag)})
    _add(element, "content", entry.html, type="html")


def _add(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = _clean(text)


def _link(parent: ElementTree.Element, rel: str, href: str, media_type: str) -> None:
    ElementTree.SubElement(parent, "link", {"rel": rel, "type": media_type, "href": _clean(href)})


def _clean(text: str) -> str:
    """Return *text* without characters that XML cannot hold; ElementTree escapes the others."""
    return _NOT_XML.sub("\ufffd", text)
