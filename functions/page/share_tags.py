"""Tags in the head of a document for previews of its links and for search engines: Open Graph, Twitter, canonical."""

import json
import re
import zlib
from dataclasses import replace
from functools import cache, lru_cache
from html import escape
from pathlib import Path

from functions.page.files import File

_NAMES = Path(__file__).with_name("names.json")
_AFTER = b'<link rel="manifest" href="/manifest.webmanifest" />'
"""Element after which the tags stand: before those that the page's script looks for and changes."""
_TITLE = re.compile(rb"<title>.*?</title>", re.DOTALL)
_DESCRIPTION = re.compile(rb'(<meta name="description" content=")[^"]*')
_HOME = "StocksALot: the market by the hour"
_ABOUT = "Hourly prices, movers and verified insights of large US stocks. Every figure has its time and its source."
_KEPT = 64


@lru_cache(_KEPT)
def with_share_tags(file: File, address: str, ticker: str | None) -> File:
    """Return *file* with the tags of a stock, None for the home page, whose host is at *address*."""
    if ticker is None:
        title, about, path, picture = _HOME, _ABOUT, "/", "/api/picture"
        shown = "How many stocks are up and down, and the largest moves"
    else:
        name = _names().get(ticker)
        company = f"{name} ({ticker})" if name else ticker
        title = f"{company}: price by the hour \N{EN DASH} StocksALot"
        about = f"Price, change, chart, key figures and insights of {company}, each with its time and its source."
        path, picture = f"/stocks/{ticker}", f"/api/picture/{ticker}"
        shown = f"Price, change and chart of {company}"
    body = file.body.replace(_AFTER, _AFTER + _elements(title, about, address + path, address + picture, shown), 1)
    body = _DESCRIPTION.sub(lambda found: found[1] + escape(about).encode(), body, count=1)
    if ticker is not None:
        body = _TITLE.sub(lambda _: f"<title>{escape(title)}</title>".encode(), body, count=1)
    gzip = zlib.compress(body, 9, wbits=31)
    tag = f"{file.tag}-{zlib.crc32(body):08x}"
    return replace(file, body=body, encoded={"gzip": gzip}, tag=tag)


def _elements(title: str, about: str, url: str, picture: str, shown: str) -> bytes:
    properties = {
        "og:type": "website", "og:site_name": "StocksALot", "og:title": title, "og:description": about, "og:url": url,
        "og:image": picture, "og:image:type": "image/png", "og:image:width": "1200", "og:image:height": "630",
        "og:image:alt": shown,
    }  # fmt: skip
    tags = [f'<meta property="{name}" content="{escape(value)}" />' for name, value in properties.items()]
    tags += [
        '<meta name="twitter:card" content="summary_large_image" />',
        f'<link rel="canonical" href="{escape(url)}" />',
    ]
    return "".join(f"\n    {tag}" for tag in tags).encode()


@cache
def _names() -> dict[str, str]:
    """Return the names of the catalogue's companies by ticker."""
    return json.loads(_NAMES.read_bytes())
