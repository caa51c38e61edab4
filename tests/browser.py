"""A real browser in the hands of a test: the machine's Chromium, driven by Playwright and cut off from the world."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.running import ROOT, System
from tests.systems import StartSystem
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, Request

BUILD = ROOT / "frontend" / "build"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SHELL = "chromium-headless-shell"
"""Chromium without windows: it takes half of the processor time, and shows no notifications."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING = (
    "Chromium is not on this machine: install it (Debian, Ubuntu: apt-get install chromium; "
    "macOS: brew install --cask chromium) or give its path in CHROMIUM"
)
MAC = "/Applications/Chromium.app/Contents/MacOS/Chromium"
NOT_THE_PAGES = re.compile(r"Failed to load resource|net::ERR_|when fetching the script")
"""Messages of the browser itself on requests that failed; tests make some fail."""

LACKS = ["2026-11-19T16:30:00Z", "2026-11-19T17:30:00Z"]
"""The hours that CAT has no bars of."""

WHOLE = "table[aria-busy=false] tr[data-ticker]"
"""The rows of the prices on the home page, once all of them are drawn."""

ALL_ROWS = "/?rows=all"
"""The home page with every stock in its table."""

SPARK = f"{WHOLE} svg.spark"
"""Their sparklines, which come after the prices."""

LIVE = "html[data-live]"
"""A page whose buttons do something; before, it is only its built picture."""

Open = Callable[..., "Page"]

_SPLIT = """
    INSERT INTO splits (ticker, date, starts_at, new_shares, old_shares, state, found, source, detail, refetch_from,
                        found_at, changed_at)
    VALUES ('PG', '2026-11-16', '2026-11-16T14:30Z', 4, 1, 'applied', 'stated', 'operator', 'Stated by an operator.',
            '2026-09-01T13:30Z', '2026-11-17T00:00Z', '2026-11-17T00:00Z')
"""
_DISAGREEMENT = """
    INSERT INTO disagreements (ticker, interval, start, field, source, other_source, value, other_value,
                               tolerance_percent, found_at, compared_at)
    VALUES ('PG', '1h', '2026-11-20T17:30Z', 'high', 'simulated', 'alpaca-sip', 100, 101.5, 0.1, '2026-11-21T00:00Z',
            '2026-11-21T00:00Z')
"""


def find_chromium(*, whole: bool = False) -> str:
    """The path of a Chromium, *whole* or without windows; the test fails, with what to install, where there is none."""
    given = os.environ.get("CHROMIUM")
    names = CHROMIUM if whole else (SHELL, *CHROMIUM)
    found = given or next(filter(None, map(shutil.which, names)), MAC)
    if not Path(found).exists():
        pytest.fail(MISSING)
    return found


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A browser that finds no other host than this machine."""
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> "Iterator[Browser]":
    """Start a browser without windows; no other event loop runs here until it is closed."""
    from playwright.sync_api import sync_playwright  # only tests of the page wait for it

    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


def launch(chromium: "BrowserType", *, whole: bool = False) -> "Browser":
    """Start a browser that finds no other host than this machine, *whole* or without windows."""
    options = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]
    # Without its sandbox, which root and most containers cannot have: it sees nothing but our own page.
    return chromium.launch(executable_path=find_chromium(whole=whole), args=options)


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[Open]:
    """A function that opens an address in a new context; keywords are the context's (`color_scheme`, `viewport`, ...).

    At the end the test fails if a page asked another host (but for that of the address *also*), broke its own policy,
    or threw an error.
    """
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_one(url: str, also: str = "", **options: Any) -> "Page":
        context = browser.new_context(**{"reduced_motion": "reduce", "timezone_id": "Asia/Tokyo", **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        hosts = {urlsplit(url).netloc, urlsplit(also).netloc}

        def note_request(request: "Request") -> None:
            parts = urlsplit(request.url)
            if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in hosts:
                complaints.append(f"asks another host: {request.url}")

        def note_message(message: "ConsoleMessage") -> None:
            if message.type in ("error", "warning") and not NOT_THE_PAGES.search(message.text):
                complaints.append(f"{message.type}: {message.text}")

        page = context.new_page()
        page.on("request", note_request)
        page.on("console", note_message)
        page.on("pageerror", lambda error: complaints.append(f"threw {error}"))
        page.goto(url)
        if page.locator("#page").count() and options.get("java_script_enabled", True):
            page.locator(LIVE).wait_for(state="attached")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def read_on(page: "Page") -> None:
    """Press a key without an effect, so that the page draws the panels below a phone's first screen at once.

    It would wait ten seconds for a key or for scrolling.
    """
    page.keyboard.press("Shift")


def wait_until_kept(page: "Page") -> None:
    """Return when the browser keeps the page for times without its host: it begins ten seconds after the page."""
    state = "navigator.serviceWorker.getRegistration().then((one) => one?.active?.state)"
    wait_until(lambda: page.evaluate(state) == "activated", 40)


COLOUR_RULES = ("color-contrast", "link-in-text-block")
"""The rules of axe whose result depends on the theme."""


def violations(page: "Page", rules: Sequence[str] = ()) -> list[str]:
    """Return the violations that axe finds on the page: each rule, with the elements that break it.

    *rules* are the only ones that are checked; all if empty.
    """
    if not page.evaluate("'axe' in window"):
        # Evaluated and not added as a script: the page's policy would refuse that one.
        page.evaluate(AXE.read_text())
    only = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate("(options) => axe.run(document, options)", {"resultTypes": ["violations"], **only})
    return [
        f"{rule['id']}: {rule['help']}: {[node['html'][:200] for node in rule['nodes'][:3]]}"
        for rule in found["violations"]
    ]


def violations_in_themes(page: "Page") -> dict[str, list[str]]:
    """Return the violations by theme: all rules in the light one, those about colours in dark and forced colours."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = {"light": violations(page)}
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found["dark"] = violations(page, COLOUR_RULES)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    found["forced"] = violations(page, COLOUR_RULES)
    page.emulate_media(forced_colors="none")
    return {theme: broken for theme, broken in found.items() if broken}


def clock_at(moment: str, speed: float = 1) -> str:
    """The CLOCK that shows *moment* (`2026-11-27T19:00`, UTC) now and runs *speed* times as fast."""
    return f"{moment}+00:00 {datetime.now(UTC).isoformat()} {speed}"


@pytest.fixture(scope="session")
def market(start_session_system: StartSystem) -> System:
    """The whole system with sixty sessions of an invented market, on the Friday after Thanksgiving, closed at 13:00.

    Its month has the end of daylight saving time and a half day in it, and CAT lacks two hours of November 19. PG was
    split four to one, and a second source differs from one of its prices. A test that changes its data restores it.
    """
    if not (BUILD / "index.html").exists():
        pytest.fail("the page is not built: make page")
    system = start_session_system("--manual", CLOCK=clock_at("2026-11-27T19:00"), ANONYMOUS_HISTORY_DAYS="30")
    while system.tick().led_to:
        pass
    with psycopg.connect(system.database_url) as connection:
        connection.execute("DELETE FROM bars WHERE ticker = 'CAT' AND start = ANY (%s::timestamptz[])", [LACKS])
        connection.execute(_SPLIT)
        connection.execute(_DISAGREEMENT)
        connection.execute("SELECT raise_epoch()")
    return system
