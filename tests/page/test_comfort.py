"""The home page is easy to use: by key, by any screen, by whoever hears it read, and back where one was."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.browser import ALL_ROWS, SPARK, WHOLE, Open, read_on, violations, violations_in_themes
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

COLOUR_AS_THE_CHART_READS_IT = """() => {
    const probe = document.body.appendChild(document.createElement('div'));
    Object.assign(probe.style, { display: 'none', color: 'rgb(1, 2, 3)' });
    return getComputedStyle(probe).color;
}"""
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
                const style = getComputedStyle(at.matches('input[type=radio]') ? at.nextElementSibling : at);
                const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
                const name = at.getAttribute('aria-label') ?? (at.textContent || at.value);
                return { name: name.trim().slice(0, 40), seen: ring };
            }"""
        )
        reached.append(state["name"])
        if not state["seen"]:
            unseen.append(state["name"])
        if state["name"] == "gainers":
            home.keyboard.press("ArrowRight")
            home.wait_for_load_state("networkidle")  # links of the old list go, and the focus with them
        if state["name"].startswith("Price"):
            home.keyboard.press("Enter")
            break

    assert skip == "Skip to the content"
    assert in_content == "content"
    assert unseen == []
    assert any(name.startswith("Price") for name in reached), reached
    home.wait_for_url(
        lambda url: parse_qs(urlsplit(url).query) == {"movers": ["losers"], "sort": ["-close"], "rows": ["all"]}
    )


@pytest.mark.parametrize("path", ["/", "/stocks/NVDA?range=1M&interval=1h&show=sma,rsi", "/account", "/developers"])
def test_axe_finds_nothing_at_any_width(market: System, open_page: Open, path: str) -> None:
    """No accessibility violation on a phone, a tablet and a desktop, in light, dark and forced colours."""
    page = open_page(market.url + path)
    page.wait_for_load_state("networkidle")
    found: dict[int, dict[str, list[str]]] = {}
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        found[width] = violations_in_themes(page)

    assert [found[width] for width in found] == [{}] * len(found)


@pytest.mark.parametrize(("scheme", "size"), [("light", {}), ("dark", PHONE)], ids=["desktop", "phone"])
def test_axe_finds_nothing(market: System, open_page: Open, scheme: str, size: dict[str, Any]) -> None:
    """No accessibility violation on the home page with everything open, light and wide, dark and narrow."""
    page = open_page(market.url + ALL_ROWS, color_scheme=scheme, **size)
    read_on(page)
    page.wait_for_selector(SPARK)
    page.locator("details.definition summary").click()
    page.get_by_role("heading", name="Sectors").scroll_into_view_if_needed()
    page.wait_for_selector(".map [data-shade]")
    found = violations(page)
    page.get_by_role("button", name="As a table").click()
    found += violations(page)
    page.evaluate("scrollTo(0, 0)")
    page.get_by_role("button", name="Find a stock", exact=True).click()
    page.wait_for_selector("[role=option]")

    assert found + violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1200, 1280, 1920])
def test_nothing_sticks_out_at_any_width(market: System, open_page: Open, width: int) -> None:
    """From the smallest phone to a wide screen nothing has to be scrolled sideways."""
    page = open_page(market.url + ALL_ROWS, viewport={"width": width, "height": 800})
    read_on(page)
    page.wait_for_selector(SPARK, state="attached")

    panel, table = (page.locator(f"#prices{part}").evaluate("one => one.offsetWidth") for part in ("", " > table"))
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert table <= panel


def test_back_leads_to_where_the_reader_was(home: "Page") -> None:
    """Back from a stock far down the table leads to the same place, though its rows are drawn bit by bit."""
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
    switch = home.get_by_role("button", name="Theme")
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
    page.get_by_role("heading", name="Page not found").wait_for()
    found = violations(page)
    page.get_by_role("link", name="Back to the market").click()
    page.wait_for_selector(WHOLE)

    assert httpx.get(f"{market.url}/no/such/page").status_code == 404
    assert found == []


@pytest.mark.parametrize("path", ["/?rows=all", "/stocks/NVDA?range=1M&interval=1h", "/account", "/developers"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_focus_is_never_covered_and_follows_the_eye(market: System, open_page: Open, path: str, width: int) -> None:
    """Every tab stop can be seen where it is, and within a column no stop lies above the one before."""
    page = open_page(market.url + path, viewport={"width": width, "height": 740})
    page.wait_for_load_state("networkidle")
    covered: list[str] = []
    backwards: list[str] = []
    last = {"top": 0, "section": ""}
    for _ in range(160):
        page.keyboard.press("Tab")
        at: dict[str, Any] = page.evaluate(
            """async () => {
                const at = document.activeElement;
                const look = () => {
                    const box = at.getBoundingClientRect();
                    const seen = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 10));
                    return seen && (at.contains(seen) || seen.contains(at) || at.parentElement.contains(seen));
                };
                // A busy machine takes a moment to scroll there.
                let clear = look();
                for (let tries = 0; !clear && tries < 20; tries++) {
                    await new Promise((done) => setTimeout(done, 100));
                    clear = look();
                }
                const box = at.getBoundingClientRect();
                const section = at.closest('section')?.getAttribute('aria-labelledby') ?? '';
                const name = at.outerHTML.slice(0, 120);
                return { name, top: box.top + scrollY, section, clear: Boolean(clear), body: at === document.body };
            }"""
        )
        if at["body"]:
            break
        if not at["clear"]:
            covered.append(at["name"])
        # A heat map has no order from top to bottom.
        if at["section"] == last["section"] != "sectors-title" and at["top"] < last["top"] - 60:
            backwards.append(at["name"])
        last = at

    assert covered == []
    assert backwards == []
    assert last["top"] > 0


@pytest.mark.parametrize("path", ["/", "/stocks/NVDA", "/account", "/developers"])
@pytest.mark.parametrize("width", [360, 1280])
def test_text_of_twice_the_size_fits(market: System, open_page: Open, path: str, width: int) -> None:
    """With a root font of 200 % nothing has to be scrolled sideways."""
    page = open_page(market.url + path, viewport={"width": width, "height": 800})
    read_on(page)
    page.wait_for_load_state("networkidle")

    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.wait_for_timeout(300)

    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_prices_begin_high_on_a_phone(market: System, open_page: Open) -> None:
    """The answer is on the first screen of a phone, and the table of prices begins within the second."""
    page = open_page(market.url, **PHONE)
    read_on(page)
    page.wait_for_selector(SPARK)

    answer, prices = (
        page.locator(one).evaluate("one => one.getBoundingClientRect().top + scrollY") for one in ("#answer", "#prices")
    )

    assert answer < 200
    assert prices < 2 * 740


@pytest.mark.parametrize("path", ["/", "/stocks/CAT?range=1M&interval=1h"])
def test_high_contrast_keeps_charts_and_marks(market: System, open_page: Open, path: str) -> None:
    """With the system's own colours forced, charts keep theirs."""
    page = open_page(market.url + path, forced_colors="active")
    page.wait_for_load_state("networkidle")
    kept = page.evaluate(
        "[...document.querySelectorAll('figure .chart')].map((one) => getComputedStyle(one).forcedColorAdjust)"
    )

    assert kept
    assert set(kept) == {"none"}
    assert page.evaluate(COLOUR_AS_THE_CHART_READS_IT) == "rgb(1, 2, 3)"


def test_settings_change_numbers_colours_and_times(market: System, open_page: Open) -> None:
    """German numbers, green and red, and this device's time zone hold on every page, and after a reload."""
    page = open_page(f"{market.url}/settings")
    page.get_by_label("German").check()
    page.get_by_label("Green and red").check()
    page.get_by_label("This device").check()
    page.goto(f"{market.url}/stocks/NVDA")
    price = page.get_by_test_id("price")
    price.wait_for()

    assert "," in price.inner_text()
    assert "GMT+9" in price.inner_text()
    assert page.evaluate("document.documentElement.dataset.colours") == "green"
