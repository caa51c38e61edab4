"""/embed in a real browser, in a frame of a page of another origin."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import AXE, Open
from tests.running import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Frame, Page

HOST = """<!doctype html><html lang="en" style="color-scheme: light dark"><title>A site</title><main><h1>A site</h1>
<iframe src="{}" title="KO" width="{}" height="180" loading="lazy"></iframe></main></html>"""


@pytest.fixture
def site() -> "Iterator[Site]":
    """A site of another origin, whose page frames an address."""
    site = Site()
    yield site
    site.close()


class Site:
    """A server of one page, with *frame* in it."""

    def __init__(self) -> None:
        self.frame, self.width = "", 320
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(HOST.format(site.frame, site.width).encode())

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}/"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()

    def framed(self, page: "Page") -> "Frame":
        """Return the frame of *page*, once its document is there."""
        page.frame_locator("iframe").locator("main").wait_for()
        return page.frames[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_another_site_shows_a_price(market: System, open_page: Open, site: Site, size: str, scheme: str) -> None:
    """Framed, in the colours of the reader's system, nothing cut off at 240 pixels, and axe finds nothing."""
    bar = market.get("/latest/KO")
    site.frame, site.width = f"{market.url}/embed/KO?size={size}", 240
    frame = site.framed(open_page(site.url, also=market.url, color_scheme=scheme))
    frame.evaluate(AXE.read_text())
    found = frame.evaluate("axe.run().then(({ violations }) => violations.map(({ id }) => id))")
    ground = frame.evaluate("getComputedStyle(document.body).backgroundColor")

    assert f"{bar['close']:,.2f}" in frame.locator("main").inner_text()
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 24, 27)"}[scheme]
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert frame.locator("svg").count() == (size != "small")
    assert found == []


def test_a_theme_wins_over_the_system(market: System, open_page: Open, site: Site) -> None:
    """theme=light is light for a reader whose system is dark."""
    site.frame = f"{market.url}/embed/KO?theme=light"
    frame = site.framed(open_page(site.url, also=market.url, color_scheme="dark"))

    assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_it_says_so(market: System, open_page: Open, site: Site) -> None:
    """The price is there, and a sentence that it stays as it is."""
    site.frame = f"{market.url}/embed/KO"
    page = open_page(site.url, also=market.url, java_script_enabled=False)
    text = page.frame_locator("iframe").locator("body").inner_text()

    assert "USD" in text
    assert "As of " in text
    assert "without scripts this stays as it is" in text


def test_it_keeps_itself_up_to_date(market: System, open_page: Open, site: Site) -> None:
    """A new document comes when it is due; without the service the old one stays, and says that no update came."""
    site.frame = f"{market.url}/embed/KO"
    page = open_page(site.url, also=market.url)
    page.clock.install()
    asked: list[str] = []
    page.route(f"{market.url}/embed/**", lambda route: (asked.append(route.request.url), route.continue_()))
    page.reload()
    frame = site.framed(page)
    frame.evaluate("document.querySelector('main').id = 'old'")
    page.clock.run_for(3_700_000)
    frame.locator("main:not(#old)").wait_for()
    page.unroute_all(behavior="wait")
    page.route(f"{market.url}/embed/**", lambda route: route.abort())
    page.clock.run_for(3_700_000)
    frame.get_by_text("No update: the service does not answer.").wait_for()
    price = frame.locator("b").inner_text()
    page.unroute_all(behavior="wait")
    page.clock.run_for(700_000)
    frame.locator("#failed").wait_for(state="hidden")

    assert price
    assert len(asked) >= 2


def test_the_embed_cannot_reach_account_data(market: System, open_page: Open, site: Site) -> None:
    """A reader who is signed in sends no token and no cookie; the document cannot reach what the page has stored."""
    site.frame = f"{market.url}/embed/KO"
    page = open_page(market.url + "/account", also=site.url)
    page.evaluate("sessionStorage.setItem('principal', JSON.stringify({ token: 'sal_secret' }))")
    sent: list[dict[str, str]] = []
    page.on("request", lambda request: sent.append(request.headers) if "/embed/" in request.url else None)
    page.goto(site.url)
    frame = site.framed(page)
    stored = frame.evaluate("(() => { try { return sessionStorage.length } catch ({ name }) { return name } })()")

    assert len(sent) == 1
    assert not {"authorization", "cookie"} & set(sent[0])
    assert stored == "SecurityError"
    assert page.context.cookies() == []


def test_an_unknown_ticker_ends_in_words(market: System, open_page: Open, site: Site) -> None:
    """With a ticker that is spelled similarly."""
    site.frame = f"{market.url}/embed/KOO"
    frame = site.framed(open_page(site.url, also=market.url))

    assert "Did you mean KO?" in frame.locator("main").inner_text()


def test_the_line_to_copy_works(market: System, open_page: Open, site: Site) -> None:
    """The developers' page shows a frame with this deployment's address."""
    page = open_page(f"{market.url}/developers", also=site.url)
    page.get_by_test_id("frame").get_by_text(market.url).wait_for()
    [address] = re.findall('src="(.*?)"', page.get_by_test_id("frame").inner_text())
    site.frame = address
    page.goto(site.url)

    assert "NVDA" in site.framed(page).locator("h1").inner_text()
