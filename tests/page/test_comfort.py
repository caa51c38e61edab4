"""The home page is easy to use: by key, by any screen, by whoever hears it read, and back where one was."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.browser import WHOLE, Open, violations
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.mark.parametrize("keys", ["/", "Control+k"])
def test_search_opens_by_key_and_leads_to_the_stock(home: "Page", keys: str) -> None:
    """`/` or Ctrl-K, letters of a name, arrows, Enter: there; Escape leaves everything as it was."""
    home.keyboard.press(keys)
    home.get_by_role("combobox", name="Ticker, company").press_sequentially("micro")
    home.get_by_role("option", name="MSFT").wait_for()
    first = home.locator("[role=option] .ticker").all_inner_texts()
    home.keyboard.press("Escape")
    home.locator("dialog").wait_for(state="detached")
    home.keyboard.press(keys)
    home.get_by_role("combobox", name="Ticker, company").press_sequentially("nvid")
    home.get_by_role("option", name="NVDA").wait_for()
    home.keyboard.press("Enter")
    home.wait_for_url("**/stocks/NVDA*")

    assert first[0] == "AMD"
    assert "AAPL" not in first


def test_the_keyboard_alone_is_enough(home: "Page") -> None:
    """Tab reaches the skip link first, then the switches, which work by Enter and Space; focus is always seen."""
    home.keyboard.press("Tab")
    skip = home.evaluate("document.activeElement.textContent")
    home.keyboard.press("Enter")
    in_content = home.evaluate("document.activeElement.id")
    reached: list[str] = []
    unseen: list[str] = []
    for _ in range(40):
        home.keyboard.press("Tab")
        state: dict[str, Any] = home.evaluate(
            """() => {
                const at = document.activeElement;
                const style = getComputedStyle(at);
                const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
                return { name: (at.getAttribute('aria-label') ?? at.textContent).trim().slice(0, 40), seen: ring };
            }"""
        )
        reached.append(state["name"])
        if not state["seen"]:
            unseen.append(state["name"])
        if state["name"] == "Losers":
            home.keyboard.press("Space")
        if state["name"].startswith("Price"):
            home.keyboard.press("Enter")
            break

    assert skip == "Skip to the content"
    assert in_content == "content"
    assert unseen == []
    assert any(name.startswith("Price") for name in reached), reached
    home.wait_for_url(lambda url: parse_qs(urlsplit(url).query) == {"movers": ["losers"], "sort": ["-close"]})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(market: System, open_page: Open, scheme: str, size: dict[str, Any]) -> None:
    """No accessibility violation on the home page with everything open, in light and dark, wide and narrow."""
    page = open_page(market.url, color_scheme=scheme, **size)
    page.wait_for_selector(f"{WHOLE} .line svg")
    page.locator("details summary").first.click()
    page.get_by_role("heading", name="By industry and size").scroll_into_view_if_needed()
    page.wait_for_selector("rect.tile")
    found = violations(page)
    page.get_by_role("button", name="As a table").click()
    found += violations(page)
    page.evaluate("scrollTo(0, 0)")
    page.get_by_role("button", name="Search for a stock").click()
    page.wait_for_selector("[role=option]")

    assert found + violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1200, 1280, 1920])
def test_nothing_sticks_out_at_any_width(market: System, open_page: Open, width: int) -> None:
    """From the smallest phone to a wide screen nothing has to be scrolled sideways."""
    page = open_page(market.url, viewport={"width": width, "height": 800})
    page.wait_for_selector(f"{WHOLE} .line svg", state="attached")

    card, table = (
        page.locator(f".card{part}").evaluate("one => one.offsetWidth") for part in (":has(> table)", " > table")
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert table <= card


def test_back_leads_to_where_the_reader_was(home: "Page") -> None:
    """Who follows a stock far down the table comes back to the same place, though its rows are drawn bit by bit."""
    link = home.locator("tr[data-ticker=PG] a")
    link.scroll_into_view_if_needed()
    left = home.evaluate("scrollY")
    link.click()
    home.wait_for_url("**/stocks/PG*")
    home.go_back()
    home.wait_for_selector(WHOLE)

    wait_until(lambda: abs(home.evaluate("scrollY") - left) < 5)
    assert left > 500


def test_the_theme_is_the_system_s_until_the_reader_chooses(home: "Page") -> None:
    """The switch goes from the system's theme to light to dark, and what was chosen holds before the first paint."""
    switch = home.get_by_role("button", name="Colours")
    switch.click()
    light = home.evaluate("getComputedStyle(document.body).backgroundColor")
    switch.click()
    dark = home.evaluate("getComputedStyle(document.body).backgroundColor")
    home.reload(wait_until="commit")
    home.wait_for_selector("header")

    assert light != dark
    assert home.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_an_address_that_leads_nowhere_says_so(market: System, open_page: Open) -> None:
    """It is a 404 to machines, and to people a page with the way back."""
    page = open_page(f"{market.url}/no/such/page")
    page.get_by_role("heading", name="Nothing is here").wait_for()
    found = violations(page)
    page.get_by_role("link", name="To the market").click()
    page.wait_for_selector(WHOLE)

    assert httpx.get(f"{market.url}/no/such/page").status_code == 404
    assert found == []
