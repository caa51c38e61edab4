"""Links to the page that are shared show something: tags without scripts, a picture, and icons for every system."""

import re
import struct
from html import unescape

import httpx
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from functions.page.settings import Settings
from functions.page.site import Site
from maintenance.icons import STATIC, make_icons
from tests.browser import BUILD
from tests.running import System


def client(public_url: str | None = None) -> TestClient:
    """Return a client of the server of the built page."""
    site = Site(Settings(public_url=public_url), BUILD)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (await site.respond(Request(scope, receive)))(scope, receive, send)

    return TestClient(application, base_url="http://stocks.example.com")


def tags(document: str) -> dict[str, str]:
    """Return the texts of the head that previews and search engines read."""
    found = dict(re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)"', document))
    (title,) = re.findall("<title>(.*?)</title>", document)
    canonical = re.findall('<link rel="canonical" href="([^"]*)"', document)
    return {name: unescape(text) for name, text in {**found, "title": title, "canonical": "".join(canonical)}.items()}


def test_a_stock_has_its_name_its_address_and_its_picture() -> None:
    """Whatever the case and the query of the link, the canonical address is one."""
    found = tags(client(public_url="https://example.org").get("/stocks/jnj?range=1M").text)

    assert found["title"] == found["og:title"] == "Johnson & Johnson (JNJ): price by the hour \N{EN DASH} StocksALot"
    assert found["og:url"] == found["canonical"] == "https://example.org/stocks/JNJ"
    assert found["og:image"] == "https://example.org/api/picture/JNJ"
    assert (found["og:image:width"], found["og:image:height"]) == ("1200", "630")
    assert found["twitter:card"] == "summary_large_image"
    assert "Johnson & Johnson (JNJ)" in found["description"] == found["og:description"]


def test_a_ticker_outside_of_the_catalogue_stands_for_itself() -> None:
    """Without a name the ticker is the title; the address is that of the request where none is set."""
    found = tags(client().get("/stocks/SHOP").text)

    assert found["title"].startswith("SHOP: price by the hour")
    assert found["og:url"] == "http://stocks.example.com/stocks/SHOP"


def test_home_has_its_tags_and_other_documents_have_none() -> None:
    """The document that the service worker keeps for all stocks belongs to none."""
    assert tags(client().get("/").text)["og:image"] == "http://stocks.example.com/api/picture"
    for path in ("/account", "/figures", "/stocks/_"):
        assert "og:image" not in tags(client().get(path).text)


def test_a_document_with_tags_is_compressed_and_validated() -> None:
    """gzip, an ETag of each address, 304, and nothing of a forged host."""
    site = client()
    first, second = site.get("/stocks/KO"), site.get("/stocks/PEP")

    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["etag"] != second.headers["etag"]
    assert site.get("/stocks/KO", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert site.get("/stocks/KO", headers={"If-None-Match": second.headers["etag"]}).status_code == 200
    assert 'evil"' not in site.get("/stocks/KO", headers={"Host": 'evil"><script>'}).text


@pytest.mark.parametrize("path", ["/", "/stocks/NVDA"])
def test_the_picture_of_the_tags_is_there(market: System, path: str) -> None:
    """The address in the tags answers with a picture of the size that they say, to a reader without scripts."""
    document = httpx.get(f"{market.url}{path}", headers={"Accept": "text/html"}, timeout=30)
    picture = httpx.get(tags(document.text)["og:image"], timeout=30)

    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert struct.unpack(">II", picture.content[16:24]) == (1200, 630)


def test_the_icons_are_those_of_the_drawing() -> None:
    """`python -m maintenance.icons` changes nothing, and the manifest and the document name what there is."""
    assert [name for name, content in make_icons().items() if (STATIC / name).read_bytes() != content] == []
    named = re.findall(r'"src": "/([\w.-]+)"', (STATIC / "manifest.webmanifest").read_text())
    named += re.findall(r'<link rel="(?:icon|apple-touch-icon)" href="/([\w.-]+)"', (BUILD / "index.html").read_text())
    assert {name for name in named if not (BUILD / name).exists()} == set()
    assert set(make_icons()) | {"favicon.svg"} == set(named)
